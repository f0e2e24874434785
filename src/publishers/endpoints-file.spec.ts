import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Endpoints } from './endpoints.js';
import { ListEndpointsHandler } from './list-endpoints.handler.js';
import { SECRET } from './publishers.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'taskmanager-endpoints-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

function written(content: unknown): string {
  files += 1;
  const path = join(folder, `endpoints-${files}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const read = (content: unknown) => new Endpoints({ endpointsFile: written(content) });
const billing = { name: 'billing', url: 'https://example.com/hook', secret: SECRET };
const withField = (fields: object) => ({ webhooks: [{ ...billing, ...fields }] });

describe('The endpoints file', () => {
  it('is not needed', () => {
    expect(new Endpoints({ endpointsFile: undefined })).toMatchObject({ webhooks: [] });
    expect(read({}).webhooks).toEqual([]);
  });

  it('has defaults for all but name, url and secret', () => {
    const { webhooks, approvers } = read({ webhooks: [billing] });
    expect(webhooks[0]).toMatchObject({
      name: 'billing',
      events: undefined,
      timeoutMs: 10_000,
      attempts: 20,
      allowPrivateRedirects: false,
    });
    expect(approvers.size).toBe(0);
  });

  it('may name a file with the secret, beside itself', () => {
    writeFileSync(join(folder, 'billing.secret'), `${SECRET}\n`);
    const { secret, ...rest } = billing;
    const now = new Date();
    const [one] = read({ webhooks: [{ ...rest, secretFile: 'billing.secret' }] }).webhooks;
    const [other] = read({ webhooks: [{ ...rest, secret }] }).webhooks;
    expect(one!.sign('id', now, 'body')).toBe(other!.sign('id', now, 'body'));
  });

  it('is listed without secrets, passwords and queries, and printed without them too', async () => {
    const url = 'https://ann:hunter2@example.com/hook?token=1';
    const endpoints = read({
      webhooks: [
        { ...billing, url, events: ['completed'], taskTypes: ['import_files'], appNames: ['a b'] },
        { ...billing, name: 'chat', events: [], timeoutMs: 500, attempts: 2 },
      ],
      approvers: { ann: ['chat'], 'role:lead': ['chat', 'billing', 'chat'] },
    });
    const list = await new ListEndpointsHandler(endpoints).execute();
    expect(list).toEqual({
      webhooks: [
        {
          name: 'billing',
          url: 'https://example.com/hook',
          events: ['completed'],
          taskTypes: ['import_files'],
          appNames: ['a b'],
          timeoutMs: 10_000,
          attempts: 20,
          allowPrivateRedirects: false,
        },
        {
          name: 'chat',
          url: 'https://example.com/hook',
          events: [],
          timeoutMs: 500,
          attempts: 2,
          allowPrivateRedirects: false,
        },
      ],
      approvers: { ann: ['chat'], 'role:lead': ['chat', 'billing'] },
    });
    const printed = inspect(endpoints, { depth: 10 }) + JSON.stringify(endpoints);
    for (const hidden of [SECRET.slice(6), 'hunter2', 'token=']) {
      expect(printed + JSON.stringify(list)).not.toContain(hidden);
    }
  });

  it.each<[unknown, string]>([
    ['{ "secret": "hunter2", oops', 'it is no JSON'],
    ['[]', 'it must be an object: { webhooks, approvers }'],
    [{ webhook: [] }, 'unknown field "webhook"'],
    [{ webhooks: {} }, 'webhooks must be a list of at most 100'],
    [{ webhooks: Array.from({ length: 101 }, () => billing) }, 'a list of at most 100'],
    [{ webhooks: [billing, null] }, 'webhooks[1] must be an object'],
    [{ webhooks: [billing, billing] }, 'two webhooks have the same name'],
    [withField({ name: 'Bil ling' }), 'webhooks[0]: name must match'],
    [withField({ name: undefined }), 'webhooks[0]: name is missing'],
    [withField({ name: 'log' }), `webhook "log": name must not be 'log'`],
    [withField({ url: undefined }), 'webhook "billing": url is missing'],
    [withField({ url: 'ftp://x' }), 'webhook "billing": url must be an http or https URL'],
    [withField({ url: 'http://ann:hunter2%zz@x' }), 'url must be an http or https URL'],
    [withField({ url: `http://x/${'y'.repeat(2_048)}` }), 'url must be shorter than'],
    [withField({ secret: undefined }), 'one of secret and secretFile must be there, and only one'],
    [withField({ secretFile: 'x' }), 'one of secret and secretFile must be there, and only one'],
    [withField({ secret: 'hunter2' }), 'secret must be whsec_ and a key of 24 to 64 bytes'],
    [withField({ secret: 'whsec_aHVudGVyMg==' }), 'secret must be whsec_ and a key of 24'],
    [
      withField({ secret: undefined, secretFile: 'nowhere' }),
      'webhook "billing": secretFile: it cannot be read (ENOENT)',
    ],
    [withField({ events: ['finished'] }), 'each value in events must be one of the following'],
    [withField({ taskTypes: ['A b'] }), 'each value in taskTypes must match'],
    [withField({ taskTypes: [] }), 'taskTypes must contain at least 1 elements'],
    [withField({ appNames: [''] }), 'each value in appNames must be longer than'],
    [withField({ timeoutMs: 60_001 }), 'timeoutMs must not be greater than 60000'],
    [withField({ attempts: 0 }), 'attempts must not be less than 1'],
    [withField({ allowPrivateRedirects: 'yes' }), 'allowPrivateRedirects must be a boolean'],
    [withField({ retries: 3 }), 'webhook "billing": unknown field "retries"'],
    [{ webhooks: [billing], approvers: [] }, 'approvers must be an object of at most 1000'],
    [{ webhooks: [billing], approvers: { ann: 'billing' } }, 'approver "ann": it must be a list'],
    [{ webhooks: [billing], approvers: { ann: [] } }, 'approver "ann": it must be a list of 1'],
    [
      { webhooks: [billing], approvers: { ann: ['chat'] } },
      'approver "ann": it names an endpoint that is not in webhooks',
    ],
  ])('%j is refused in one line: %s', (content, message) => {
    const path = written(content);
    let said = '';
    try {
      new Endpoints({ endpointsFile: path });
    } catch (error) {
      said = (error as Error).message;
      expect(inspect(error, { showHidden: true, depth: 10 })).not.toContain('hunter2');
    }
    expect(said).toContain(`ENDPOINTS_FILE ${path}: `);
    expect(said).toContain(message);
    expect(said).not.toContain('\n');
    expect(said.replace(path, '')).not.toMatch(/hunter2|whsec_[^ ]/);
  });

  it('is refused when it is not there, or too large', () => {
    const missing = join(folder, 'missing.json');
    expect(() => new Endpoints({ endpointsFile: missing })).toThrow('cannot be read (ENOENT)');
    expect(() => read(' '.repeat(1024 * 1024 + 1))).toThrow('it is larger than 1048576 bytes');
  });
});
