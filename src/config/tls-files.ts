import type { Environment } from './environment.js';
import { SettingError } from './setting-error.js';
import { VARIABLES } from './variables.js';

/** Contents of PEM files. */
export interface TlsFiles {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

/** Undefined when none of the three files is named; a certificate and its key come together. */
export function readTls(env: Environment, side: 'tcp' | 'nats'): TlsFiles | undefined {
  const [certVariable, keyVariable, caVariable] =
    side === 'tcp'
      ? [VARIABLES.tcpTlsCert, VARIABLES.tcpTlsKey, VARIABLES.tcpTlsCa]
      : [VARIABLES.natsTlsCert, VARIABLES.natsTlsKey, VARIABLES.natsTlsCa];
  const cert = env.fileContent(certVariable);
  const key = env.fileContent(keyVariable);
  const ca = env.fileContent(caVariable);
  if (cert !== undefined && key === undefined) {
    throw new SettingError(keyVariable, undefined, `needed beside ${certVariable.name}`);
  }
  if (key !== undefined && cert === undefined) {
    throw new SettingError(certVariable, undefined, `needed beside ${keyVariable.name}`);
  }
  if (cert === undefined && ca === undefined) return undefined;
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  };
}
