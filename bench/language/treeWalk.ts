import type { Processor } from '../../src/hardware/processor/processor';
import type { Sample, Value } from './sampleBody';

/** The sample program, run by walking its tree: what the compiler spares. Values are Numbers, names are looked up in a Map. */
export class TreeWalk {
  readonly names = new Map<string, number>();
  statements = 0;

  constructor(private readonly processor: Processor) {}

  run(body: readonly Sample[]): void {
    for (const sample of body) this.execute(sample);
  }

  private execute(sample: Sample): void {
    this.statements++;
    switch (sample.kind) {
      case 'assign':
        this.names.set(sample.name, this.valueOf(sample.value));
        break;
      case 'store': {
        const value = this.valueOf(sample.value);
        this.processor.store(this.valueOf(sample.address) | 0, 0, 8, value | 0, 0);
        break;
      }
      case 'if': {
        const left = this.valueOf(sample.left);
        const right = this.valueOf(sample.right);
        if (sample.operator === '<' ? left < right : left === right) this.run(sample.then);
      }
    }
  }

  private valueOf(value: Value): number {
    switch (value.kind) {
      case 'number': return value.value;
      case 'variable': return this.names.get(value.name) ?? 0;
      case 'load':
        this.processor.load(this.valueOf(value.address) | 0, 0, 8);
        return this.processor.valueLo;
      case 'binary': {
        const left = this.valueOf(value.left);
        const right = this.valueOf(value.right);
        switch (value.operator) {
          case '+': return left + right;
          case '-': return left - right;
          case '&': return left & right;
          case '|': return left | right;
          case '^': return left ^ right;
          case '<<': return left << right;
          case '>>': return left >> right;
        }
      }
    }
  }
}
