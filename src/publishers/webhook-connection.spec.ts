import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { TryLater } from '../processing/index.js';
import { DeliveryFailed } from './delivery-failed.js';
import type { WebhookEntry } from './endpoints-entries.js';
import { endpoint, Receiver, SECRET, status, verified } from './publishers.fixture.js';
import { WebhookConnection } from './webhook-connection.js';

const CHUNK = Buffer.alloc(64 * 1024);
const MESSAGE = { id: 'event-1', body: '{"a":"ä"}' };

describe('Sending to a webhook', () => {
  let receiver: Receiver;
  const connections: WebhookConnection[] = [];

  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await receiver.stop();
  });

  function connect(entry: Partial<WebhookEntry> = {}, url = receiver.url): WebhookConnection {
    const connection = new WebhookConnection(endpoint(url, entry));
    connections.push(connection);
    return connection;
  }

  const post = (connection: WebhookConnection, signal = new AbortController().signal) =>
    connection.post(MESSAGE, new Date(), signal);

  /** Its message has been looked at for the secret, in every depth. */
  async function failure(sending: Promise<void>): Promise<string> {
    const error: unknown = await sending.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DeliveryFailed);
    const all = inspect(error, { depth: 10, showHidden: true });
    for (const hidden of [SECRET, SECRET.slice(6), 'hunter2', 'token=']) {
      expect(all).not.toContain(hidden);
    }
    return (error as Error).message;
  }

  it('signs the body by the scheme that the library of a receiver verifies', async () => {
    await post(connect());
    const [got] = receiver.received;
    expect(got).toMatchObject({ path: '/hook', body: MESSAGE.body });
    expect(got!.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'event-1',
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    });
    expect(verified(got!)).toEqual({ a: 'ä' });
    expect(() => verified({ ...got!, body: '{"a":"a"}' })).toThrow('No matching signature');
  });

  it('sends user and password of the URL as a header, and its query', async () => {
    const { port } = receiver;
    await post(connect({}, `http://ann:hunter2@127.0.0.1:${port}/hook?token=1`));
    expect(receiver.received[0]).toMatchObject({
      path: '/hook?token=1',
      headers: { authorization: `Basic ${Buffer.from('ann:hunter2').toString('base64')}` },
    });
  });

  it('keeps its connection for the next', async () => {
    const connection = connect();
    for (let n = 0; n < 5; n += 1) await post(connection);
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });

  it.each([
    [500, 'answered 500'],
    [410, 'answered 410'],
    [404, 'answered 404'],
    [301, 'answered 301, a redirect that would lose the body: configure the URL that it leads to'],
    [307, 'answered 307 without a usable location'],
  ])('fails when it is answered %i', async (code, message) => {
    receiver.answer = status(code);
    expect(await failure(post(connect()))).toBe(message);
    expect(receiver.received).toHaveLength(1);
  });

  it('fails when nobody listens there, or the connection is cut, without saying the URL', async () => {
    receiver.answer = (response) => response.destroy();
    expect(await failure(post(connect()))).toBe('could not be reached: UND_ERR_SOCKET');
    const url = `http://ann:hunter2@127.0.0.1:${receiver.port}/hook?token=1`;
    await receiver.stop();
    expect(await failure(post(connect({}, url)))).toBe('could not be reached: ECONNREFUSED');
  });

  it.each(['nothing', 'its head byte by byte'])(
    'fails after the time limit when the endpoint sends %s',
    async (what) => {
      let timer: NodeJS.Timeout | undefined;
      receiver.answer = (response) => {
        if (what === 'nothing') return;
        response.socket!.write('HTTP/1.1 200 OK\r\nx: ');
        timer = setInterval(() => response.socket?.write('y'), 20);
      };
      expect(await failure(post(connect({ timeoutMs: 200 })))).toBe('no answer within 200 ms');
      clearInterval(timer);
    },
  );

  it('takes a 2xx at its word, however long or slow the rest is, and reads little of it', async () => {
    let written = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const more = () => {
        if (response.destroyed) return;
        written += CHUNK.length;
        if (response.write(CHUNK)) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    };
    const connection = connect();
    await post(connection);
    while (receiver.open > 0) await new Promise((resolve) => setImmediate(resolve));
    // What sockets hold between the two ends, not a stream without an end.
    expect(written).toBeLessThan(16 * 1024 * 1024);

    receiver.answer = (response) => void response.writeHead(200).write('and then nothing');
    await post(connect({ timeoutMs: 200 }));
  });

  it('does not wait for the rest of an answer until the time limit', async () => {
    const endless = (code: number) => {
      receiver.answer = (response) => void response.writeHead(code).write('and then nothing');
      return connect({ timeoutMs: 20_000 });
    };
    const began = performance.now();
    await post(endless(200));
    expect(await failure(post(endless(500)))).toBe('answered 500');
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('is stopped by its signal, which is not the fault of the event', async () => {
    receiver.answer = () => undefined;
    const stop = new AbortController();
    const sending = post(connect(), stop.signal);
    await receiver.whenReceived(1);
    stop.abort();
    await expect(sending).rejects.toThrow(TryLater);
    await expect(post(connect(), stop.signal)).rejects.toThrow(TryLater);
  });

  it('ends what is under way when it is closed', async () => {
    receiver.answer = () => undefined;
    const connection = connect();
    const sending = post(connection);
    await receiver.whenReceived(1);
    await connection.close();
    expect(await failure(sending)).toContain('could not be reached');
  });

  describe('that redirects', () => {
    let target: Receiver;

    beforeEach(async () => {
      target = await Receiver.start();
    });
    afterEach(() => target.stop());

    it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '10.0.0.1'])(
      'is not followed to %s, where only this network reaches',
      async (host) => {
        const location = `http://${host}:${target.port}/secret?token=1`;
        receiver.answer = status(307, { location });
        expect(await failure(post(connect()))).toBe(
          'redirected to a private address, which is allowed only by allowPrivateRedirects',
        );
        expect(target.connections).toBe(0);
      },
    );

    it.each([307, 308])('by %i is followed there when that is allowed', async (code) => {
      receiver.answer = status(code, { location: `http://localhost:${target.port}/new?x=1` });
      const url = `http://ann:hunter2@127.0.0.1:${receiver.port}/hook`;
      await post(connect({ allowPrivateRedirects: true }, url));
      const [got] = target.received;
      expect(got).toMatchObject({ path: '/new?x=1', body: MESSAGE.body });
      expect(verified(got!)).toEqual({ a: 'ä' });
      // The password is for the endpoint's own host.
      expect(got!.headers).not.toHaveProperty('authorization');
    });

    it('without an end is given up after three', async () => {
      receiver.answer = status(308, { location: '/hook' });
      expect(await failure(post(connect({ allowPrivateRedirects: true })))).toBe(
        'redirected more than 3 times: configure the URL that it leads to',
      );
      expect(receiver.received).toHaveLength(4);
    });

    it('is held to the one time limit of the delivery', async () => {
      receiver.answer = status(307, { location: target.url });
      target.answer = () => undefined;
      const entry = { allowPrivateRedirects: true, timeoutMs: 300 };
      expect(await failure(post(connect(entry)))).toBe('no answer within 300 ms');
    });

    it.each(['ftp://example.com/', 'http://', 'file:///etc/passwd'])(
      'to %s is a failure',
      async (location) => {
        receiver.answer = status(307, { location });
        expect(await failure(post(connect({ allowPrivateRedirects: true })))).toBe(
          'answered 307 without a usable location',
        );
      },
    );
  });
});
