/** Time comes from here and nowhere else (DESIGN §6.7), so that tests can set it. Epoch milliseconds. */
export abstract class Clock {
  abstract now(): number;
}

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}
