/**
 * Numbers that a client holds for things of the present stop. Every motion drops them all; a number
 * is never given twice, so that one kept from an earlier stop finds nothing instead of something else.
 */
export class Handles<Thing> {
  private readonly things = new Map<number, Thing>();
  private next: number;

  constructor(first: number) {
    this.next = first;
  }

  give(thing: Thing): number {
    const number = this.next++;
    this.things.set(number, thing);
    return number;
  }

  find(number: number): Thing | undefined {
    return this.things.get(number);
  }

  drop(): void {
    this.things.clear();
  }
}
