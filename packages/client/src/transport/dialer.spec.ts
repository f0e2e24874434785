import { expect, it } from '@jest/globals';
import { Dialer, type Link } from './dialer.js';

const TIMEOUT_MS = 5_000;

class NumberedLink implements Link {
  isClosed = false;

  constructor(readonly number: number) {}

  close(): void {
    this.isClosed = true;
  }
}

it('a connection that breaks before it is handed out is not kept: another one is dialled', async () => {
  let dials = 0;
  const dialer = new Dialer(async (lost) => {
    dials += 1;
    if (dials === 1) lost();
    return new NumberedLink(dials);
  }, 'somewhere');
  expect(await dialer.get(TIMEOUT_MS)).toMatchObject({ number: 2 });
  expect(dialer.current).toMatchObject({ number: 2 });
  await dialer.close();
});

it('a connection that is made when nobody wants one any more is closed', async () => {
  let made: (link: NumberedLink) => void = () => undefined;
  const dialer = new Dialer(
    () => new Promise<NumberedLink>((resolve) => (made = resolve)),
    'there',
  );
  const waiting = dialer.get(TIMEOUT_MS);
  const closed = dialer.close();
  await expect(waiting).rejects.toMatchObject({ reason: 'closed' });
  await closed;
  const late = new NumberedLink(1);
  made(late);
  await new Promise((resolve) => setImmediate(resolve));
  expect(late.isClosed).toBe(true);
  expect(dialer.current).toBeUndefined();
});
