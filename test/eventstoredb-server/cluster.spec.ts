import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventStoreDBClient, NotLeaderError } from '@eventstore/db-client';
import { EventStoreDbServer } from './index.js';
import { events, typesOf } from './with-server.js';

let leader: EventStoreDbServer;
let follower: EventStoreDbServer;
let client: EventStoreDBClient | undefined;
beforeEach(async () => {
  leader = await EventStoreDbServer.start();
  follower = await EventStoreDbServer.start();
});
afterEach(async () => {
  await client?.dispose();
  await leader.close();
  await follower.close();
});

const connect = (connectionString: string): EventStoreDBClient =>
  (client = EventStoreDBClient.connectionString(connectionString));

describe('a follower', () => {
  beforeEach(() => follower.faults.set({ notLeader: { host: '127.0.0.1', port: leader.port } }));

  test.each([false, true])(
    'sends who appends to the leader (one by one: %p)',
    async (withoutBatchAppend) => {
      follower.faults.set({ withoutBatchAppend });
      const client = connect(follower.connectionString);
      const refused = client.appendToStream('s', events('A'));
      await expect(refused).rejects.toBeInstanceOf(NotLeaderError);
      await expect(refused).rejects.toMatchObject({
        leader: { address: '127.0.0.1', port: leader.port },
      });
      await client.appendToStream('s', events('A'));
      expect(await typesOf(client.readStream('s'))).toEqual(['A']);
      expect(leader.calls.of('batchAppend').total).toBe(1);
    },
  );

  test('sends who deletes to the leader', async () => {
    const client = connect(follower.connectionString);
    await expect(client.deleteStream('s')).rejects.toBeInstanceOf(NotLeaderError);
  });

  test('answers readers, but for those that require a leader', async () => {
    follower.faults.set({ notLeader: undefined });
    const client = connect(follower.connectionString);
    await client.appendToStream('s', events('A'));
    follower.faults.set({ notLeader: { host: '127.0.0.1', port: leader.port } });
    expect(await typesOf(client.readStream('s'))).toEqual(['A']);
    await expect(typesOf(client.readStream('s', { requiresLeader: true }))).rejects.toBeInstanceOf(
      NotLeaderError,
    );
  });
});

describe('the gossip', () => {
  const hosts = (): string => `127.0.0.1:${leader.port},127.0.0.1:${follower.port}`;

  test('of a server alone names itself as leader', async () => {
    const client = connect(`esdb+discover://127.0.0.1:${leader.port}?tls=false`);
    await client.appendToStream('s', events('A'));
    expect(leader.calls.of('gossip').total).toBe(1);
    expect(leader.calls.of('batchAppend').total).toBe(1);
  });

  test('leads to the leader, whoever is asked', async () => {
    const members = [
      { host: '127.0.0.1', port: leader.port, state: 'leader' },
      { host: '127.0.0.1', port: follower.port, state: 'follower' },
    ] as const;
    leader.faults.set({ members });
    follower.faults.set({ members });
    const client = connect(`esdb://${hosts()}?tls=false`);
    await client.appendToStream('s', events('A'));
    expect(leader.calls.of('batchAppend').total).toBe(1);
    expect(follower.calls.of('batchAppend').total).toBe(0);
  });

  test('leads to a follower, who asks for one, and not to the dead', async () => {
    const dead = { host: '127.0.0.1', port: 1, state: 'follower', alive: false } as const;
    leader.faults.set({
      members: [
        dead,
        { host: '127.0.0.1', port: leader.port, state: 'leader' },
        { host: '127.0.0.1', port: follower.port, state: 'follower' },
      ],
    });
    const discover = `esdb+discover://127.0.0.1:${leader.port}?tls=false&nodePreference=follower`;
    expect((await typesOf(connect(discover).readAll())).length).toBeGreaterThan(0);
    expect(follower.calls.of('read').total).toBe(1);
  });

  test('that fails is asked of the next, or again', async () => {
    leader.faults.set({ gossip: { kind: 'fail', status: 'UNAVAILABLE' } });
    const client = connect(`esdb://${hosts()}?tls=false&discoveryInterval=10`);
    await client.appendToStream('s', events('A'));
    expect(follower.calls.of('batchAppend').total).toBe(1);
  });

  test('that fails everywhere spoils the appends of a client for ever', async () => {
    const fault = { kind: 'fail', status: 'UNAVAILABLE' } as const;
    leader.faults.set({ gossip: fault });
    follower.faults.set({ gossip: fault });
    const client = connect(`esdb://${hosts()}?tls=false&discoveryInterval=1&maxDiscoverAttempts=2`);
    await expect(client.appendToStream('s', events('A'))).rejects.toThrow('Failed to discover');
    leader.faults.clear();
    follower.faults.clear();
    expect((await typesOf(client.readAll())).length).toBeGreaterThan(0);
    await expect(client.appendToStream('s', events('A'))).rejects.toThrow('Failed to discover');
  });
});
