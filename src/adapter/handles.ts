/**
 * Numbers that a client holds for things of the present stop. Every motion drops them all; a number
 * is never given twice, so that one kept from an earlier stop finds nothing instead of something else.
 */
export class Handles<Thing> {
  private readonly things: Thing[] = [];

  /** `first`: number of the first thing of the present stop. */
  constructor(private first: number) {}

  give(thing: Thing): number {
    return this.first + this.things.push(thing) - 1;
  }

  find(number: number): Thing | undefined {
    return this.things[number - this.first];
  }

  drop(): void {
    if (this.things.length === 0) return;
    this.first += this.things.length;
    this.things.length = 0;
  }
}
