/** One holder's part of a memory limit. */
export interface MemoryShare {
  /** How much it holds now. False: together it is too much. */
  holds(amount: number): boolean;
}

/** A limit on what many hold together, in bytes or characters. */
export class SharedMemory {
  private total = 0;

  constructor(private readonly limit: number) {}

  share(): MemoryShare {
    let held = 0;
    return {
      holds: (amount) => {
        const grows = amount > held;
        this.total += amount - held;
        held = amount;
        return !grows || this.total <= this.limit;
      },
    };
  }
}
