/**
 * Durable commands and reads over TCP, 64 in flight, beside an echo with the same message class in the
 * same application, and beside the same echo over NestJS's own transport and ValidationPipe. The runs are
 * interleaved, and medians are compared. A run of commands ends when the view has caught up with the last
 * of them.
 */
import { TaskManager } from '@taskmanager/client';
import { atLeast, median, report, whole } from './figures.mjs';
import { callsPerSecond, makeTasks, TASKS } from './load.mjs';
import { inTemporaryFolder, withServer, withService } from './processes.mjs';

export async function throughput({ rounds, seconds }) {
  await inTemporaryFolder((folder) =>
    withService(folder, ({ port }) =>
      withServer('./stock-echo.mjs', (stock) => measure(port, stock.port, rounds, seconds)),
    ),
  );
}

async function measure(port, stockPort, rounds, seconds) {
  const connect = (to, coalesce) =>
    TaskManager.connect({ transport: 'tcp', port: to, appName: 'bench', coalesce });
  const single = await connect(port, false);
  const coalescing = await connect(port, true);
  const stock = await connect(stockPort, false);
  const ids = await makeTasks(coalescing);
  let item = 0;
  const progress = (client, name) => {
    const n = item++;
    return client.command(name, {
      id: ids[n % TASKS],
      completedItems: Math.floor(n / TASKS),
      totalItems: 1_000_000_000,
    });
  };
  const caughtUp = async (client) => void (await client.getTask(ids[0]));
  const kinds = {
    echo: { call: () => progress(single, 'bench_echo') },
    stock: { call: () => progress(stock, 'bench_echo') },
    command: {
      call: () => progress(single, 'update_task_progress'),
      end: () => caughtUp(single),
    },
    coalesced: {
      call: () => progress(coalescing, 'update_task_progress'),
      end: () => caughtUp(coalescing),
    },
    get: { call: () => single.getTask(ids[item++ % TASKS]) },
  };
  const rates = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, { call, end }] of Object.entries(kinds)) {
      const rate = await callsPerSecond(call, end, round === 0 ? 1 : seconds);
      if (round > 0) rates[kind].push(rate);
    }
  }
  await Promise.all([single, coalescing, stock].map((client) => client.close()));
  const [echo, stockEcho] = [median(rates.echo), median(rates.stock)];
  report('echo, one message each', `${whole(echo)}/s`);
  report("echo over NestJS's own transport", `${whole(stockEcho)}/s`);
  for (const [kind, what, bound] of [
    ['command', 'durable commands, one message each', 0.25],
    ['coalesced', 'durable commands, coalesced', 0.8],
    ['get', 'get_task', 0.6],
  ]) {
    const rate = median(rates[kind]);
    report(what, `${whole(rate)}/s`, rate / echo, atLeast(rate / echo, bound));
    console.log(`${' '.repeat(34)} beside NestJS's own: ${(rate / stockEcho).toFixed(2)}`);
  }
}
