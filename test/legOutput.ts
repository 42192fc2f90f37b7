/**
 * Keeps what legs that run side by side print from mixing: the one that has run longest prints as it goes, the others when
 * their turn comes, each as one piece.
 */
export class LegOutput {
  private readonly waiting: { name: string; chunks: (Buffer | string)[]; isOver: boolean }[] = [];

  constructor(private readonly print: (chunk: Buffer | string) => void) {}

  begin(name: string): void {
    this.waiting.push({ name, chunks: [], isOver: false });
  }

  write(name: string, chunk: Buffer | string): void {
    this.waiting.find((leg) => leg.name === name)?.chunks.push(chunk);
    this.printFirst();
  }

  end(name: string): void {
    const leg = this.waiting.find((each) => each.name === name);
    if (leg !== undefined) leg.isOver = true;
    this.printFirst();
  }

  private printFirst(): void {
    for (let [first] = this.waiting; first !== undefined; [first] = this.waiting) {
      for (const chunk of first.chunks.splice(0)) this.print(chunk);
      if (!first.isOver) return;
      this.waiting.shift();
    }
  }
}
