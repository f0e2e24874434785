import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ApproverNotice } from '../commands/approver-notices.port.js';
import { SystemClock } from '../context/index.js';
import type { WebhookEntry } from './endpoints-entries.js';
import { EndpointNotices } from './endpoint-notices.js';
import {
  AT,
  capturedLog,
  endpoint,
  Receiver,
  SECRET,
  status,
  TASK_ID,
  verified,
} from './publishers.fixture.js';
import { Webhooks } from './webhooks.js';

const notice: ApproverNotice = {
  id: '11111111-1111-5111-8111-111111111111',
  kind: 'requested',
  taskId: TASK_ID,
  taskType: 'publish',
  appName: 'registry',
  name: 'Publish 2.0',
  approvers: ['ann', 'role:lead', 'bob'],
  quorum: 2,
  votes: [],
  requestedBy: 'carl',
  requestedAt: AT,
  comment: 'please',
};

describe('A notice to approvers', () => {
  let receiver: Receiver;
  let webhooks: Webhooks;
  let lines: string[];

  beforeEach(async () => {
    lines = capturedLog();
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    Logger.overrideLogger(false);
    await webhooks.onApplicationShutdown();
    await receiver.stop();
    expect(lines.join('\n')).not.toContain(SECRET.slice(6));
  });

  async function notices(
    approvers: Readonly<Record<string, readonly string[]>>,
    entry: Partial<WebhookEntry> = {},
  ): Promise<EndpointNotices> {
    const endpoints = {
      webhooks: ['chat', 'mail'].map((name) =>
        endpoint(receiver.url, { name, events: [], ...entry }),
      ),
      approvers: new Map(Object.entries(approvers)),
    };
    webhooks = await Webhooks.to(endpoints);
    return new EndpointNotices(endpoints, webhooks, new SystemClock());
  }

  it('is refused before anything is sent when too many wait for one of its endpoints', async () => {
    const answers: (() => void)[] = [];
    receiver.answer = (response) => void answers.push(() => response.writeHead(204).end());
    const sender = await notices({ ann: ['chat'], bob: ['mail'] });
    const many = Array.from({ length: 32 }, () => sender.send({ ...notice, approvers: ['ann'] }));
    const both = { ...notice, approvers: ['ann', 'bob'] };
    await expect(sender.send(both)).rejects.toMatchObject({ code: 'OVERLOADED' });
    // Those of other endpoints do not wait behind them.
    const other = sender.send({ ...notice, approvers: ['bob'] });
    await receiver.whenReceived(17);
    receiver.answer = status(204);
    for (const answer of answers) answer();
    await Promise.all([...many, other]);
    expect(receiver.received).toHaveLength(33);
  });

  it('goes once to each endpoint of its approvers, signed, saying whom it is for', async () => {
    const sender = await notices({ ann: ['chat', 'mail'], 'role:lead': ['chat'], bob: ['mail'] });
    const outcomes = await sender.send(notice);
    expect(outcomes).toEqual([
      { channel: 'chat', outcome: 'delivered' },
      { channel: 'mail', outcome: 'delivered' },
    ]);
    const { kind, ...rest } = notice;
    const got = receiver.received.map((each) => ({
      id: each.headers['webhook-id'],
      body: verified(each),
    }));
    expect(got).toHaveLength(2);
    expect(got).toEqual(
      expect.arrayContaining([
        {
          id: `${notice.id}-chat`,
          body: {
            type: `approval.${kind}`,
            timestamp: expect.any(String),
            data: { ...rest, to: ['ann', 'role:lead'] },
          },
        },
        expect.objectContaining({ id: `${notice.id}-mail` }),
      ]),
    );
  });

  it('to those without an endpoint is a line in the log, beside what goes to the others', async () => {
    const outcomes = await (await notices({ ann: ['chat'] })).send({ ...notice, kind: 'reminder' });
    expect(outcomes).toEqual([
      { channel: 'chat', outcome: 'delivered' },
      { channel: 'log', outcome: 'delivered' },
    ]);
    expect(receiver.bodies).toMatchObject([{ type: 'approval.reminder', data: { to: ['ann'] } }]);
    expect(lines).toEqual([
      `reminder: publish ${TASK_ID} "Publish 2.0" waits for "role:lead", "bob", asked by "carl" Approvals`,
    ]);
  });

  it('to hundreds is a line in the log that names the first of them', async () => {
    const approvers = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(256, '-'));
    await (await notices({})).send({ ...notice, approvers });
    expect(lines[0]).toContain(' and 90 more, asked by "carl"');
    expect(lines[0]?.length).toBeLessThan(4_000);
  });

  it('to anyone is a line in the log', async () => {
    const outcomes = await (await notices({ ann: ['chat'] })).send({ ...notice, approvers: [] });
    expect(outcomes).toEqual([{ channel: 'log', outcome: 'delivered' }]);
    expect(lines[0]).toContain('waits for anyone');
  });

  it('is sent again when it fails, under the same id', async () => {
    receiver.answer = (response, received) =>
      status(receiver.received.length < 3 ? 500 : 204)(response, received, undefined as never);
    expect(
      await (await notices({ ann: ['chat'] })).send({ ...notice, approvers: ['ann'] }),
    ).toEqual([{ channel: 'chat', outcome: 'delivered' }]);
    const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']));
    expect([...ids]).toEqual([`${notice.id}-chat`]);
  });

  it.each<[string, Partial<WebhookEntry>, string]>([
    ['answers 500', {}, 'failed: answered 500'],
    ['is silent', { timeoutMs: 100 }, 'failed: no answer within 100 ms'],
  ])('that an endpoint does not take is an outcome: it %s', async (what, entry, outcome) => {
    receiver.answer = what === 'is silent' ? () => undefined : status(500);
    const sent = (await notices({ ann: ['chat'] }, entry)).send({ ...notice, approvers: ['ann'] });
    expect(await sent).toEqual([{ channel: 'chat', outcome }]);
    expect(receiver.received).toHaveLength(3);
    expect(lines).toEqual([
      `The approvers of ${TASK_ID} were not told at chat: ${outcome.slice(8)} Approvals`,
    ]);
  });

  it('is given up when it is stopped, also before it began', async () => {
    receiver.answer = () => undefined;
    const stop = new AbortController();
    const sender = await notices({ ann: ['chat'] });
    const sending = sender.send({ ...notice, approvers: ['ann'] }, stop.signal);
    await receiver.whenReceived(1);
    stop.abort();
    const outcome = 'failed: no answer in time';
    expect(await sending).toEqual([{ channel: 'chat', outcome }]);
    const again = sender.send({ ...notice, approvers: ['ann'] }, stop.signal);
    expect(await again).toEqual([{ channel: 'chat', outcome }]);
    expect(receiver.received).toHaveLength(1);
  });
});
