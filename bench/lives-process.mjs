/**
 * A producer or a worker of one system, in a process of its own: `lives-process.mjs <system> <role>
 * <server as JSON>`. A producer is told how many to make, a worker how many there will have been; both
 * answer when that is so, in milliseconds of this machine's clock.
 */
import { once } from 'node:events';
import { AT_ONCE } from './peers/life.mjs';

const [system, role, server] = process.argv.slice(2);
const { produce, work } = await import(`./peers/${system}.mjs`);
const now = () => performance.timeOrigin + performance.now();

const roles = {
  async producer() {
    const producer = await produce(JSON.parse(server));
    const make = async (count) => {
      const startedAt = now();
      let left = count;
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          while (left-- > 0) await producer.create();
        }),
      );
      return { startedAt };
    };
    return { answer: make, close: producer.close };
  },
  async worker() {
    let done = 0;
    let told;
    const worker = await work(JSON.parse(server), () => {
      done++;
      if (done === told?.total) told.resolve();
    });
    const wait = async (total) => {
      if (done < total) await new Promise((resolve) => (told = { total, resolve }));
      await worker.settled(total);
      if (done !== total) throw new Error(`${system} ran ${done} jobs, not ${total}.`);
      return { endedAt: now() };
    };
    return { answer: wait, close: worker.close };
  },
};

const { answer, close } = await roles[role]();
const say = (said) => process.connected && process.send(said);
process.on('message', (count) => void answer(count).then(say));
// Ctrl-C is for the process that started this one, which ends it.
process.on('SIGINT', () => {});
say({ ready: true });
await once(process, 'disconnect');
await close();
process.exit();
