/** Cases judged, and those on which hardware and oracle differ. */
export class Score {
  judged = 0;
  /** Walks made without effects besides. */
  inspected = 0;
  differing = 0;
  /** The first few differences, in words. */
  readonly examples: string[] = [];
  /** Outcomes seen, for a product that would otherwise prove nothing. */
  readonly outcomes = new Map<string, number>();

  add(other: Score): void {
    this.judged += other.judged;
    this.differing += other.differing;
    this.inspected += other.inspected;
    this.examples.push(...other.examples.slice(0, 5 - this.examples.length));
    for (const [outcome, count] of other.outcomes) this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + count);
  }
}
