/**
 * The server as a process of its own, started by `launch.mjs`. It says `listening` with its port when it
 * can be called, obeys requests that come as messages, and ends with the process that started it.
 */
import { EventStoreDbServer, type ServerOptions } from './eventstoredb-server.js';
import { type FaultSettings, type FaultStatus } from './fault-settings.js';

/** What the parent may ask; each is answered with its number. */
export type ChildRequest = { readonly number: number } & (
  | { readonly ask: 'set-faults'; readonly faults: FaultSettings; readonly off: readonly string[] }
  | { readonly ask: 'clear-faults' }
  | { readonly ask: 'end-subscriptions' }
  | { readonly ask: 'fail-subscriptions'; readonly fault: FaultStatus }
  | { readonly ask: 'fail-subscriptions-as-too-slow' }
  | { readonly ask: 'fail-reads'; readonly fault: FaultStatus }
  | { readonly ask: 'fail-batch-appends'; readonly fault: FaultStatus }
  | { readonly ask: 'calls' }
  | { readonly ask: 'shutdown' }
);

const options = JSON.parse(process.argv[2] ?? '{}') as ServerOptions;
const server = await EventStoreDbServer.start(options).catch(
  (error: unknown) =>
    new Promise<never>(() => process.send?.({ failed: String(error) }, () => process.exit(1))),
);

async function obey(request: ChildRequest): Promise<unknown> {
  const { faults } = server;
  switch (request.ask) {
    case 'set-faults':
      // JSON knows no undefined: what is to be switched off comes by name.
      return faults.set({
        ...request.faults,
        ...Object.fromEntries(request.off.map((name) => [name, undefined])),
      });
    case 'clear-faults':
      return faults.clear();
    case 'end-subscriptions':
      return faults.endSubscriptions();
    case 'fail-subscriptions':
      return faults.failSubscriptions(request.fault);
    case 'fail-subscriptions-as-too-slow':
      return faults.failSubscriptionsAsTooSlow();
    case 'fail-reads':
      return faults.failReads(request.fault);
    case 'fail-batch-appends':
      return faults.failBatchAppends(request.fault);
    case 'calls':
      return server.calls.all();
    case 'shutdown':
      await server.shutdown();
      await server.close();
  }
}

process.on('message', (request: ChildRequest) => {
  void obey(request).then((answer) => {
    process.send?.({ number: request.number, answer });
    if (request.ask === 'shutdown') process.disconnect();
  });
});
process.on('disconnect', () => process.exit());
process.send?.({ listening: server.port });
