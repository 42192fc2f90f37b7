import type { EventBus } from '../../hardware/events/eventBus';
import type { Program } from '../../language/program';
import { setPairAt } from '../arithmetic';
import type { GuestStack } from './guestStack';
import type { Happenings } from './happenings';
import { emitFailure, judge } from './judge';
import type { Questions } from '../questions/questions';
import type { RunState } from './runState';

/** What the scenario says while it runs; the caller decides whether it has been said before. */
export type Say = (category: 'print' | 'failure', text: string, statement: number) => void;

/** Hears of each expectation (an index into `Program.expectations`) as it is judged. */
export type Judged = (expectation: number, verdict: 'held' | 'failed') => void;

/** Expectations as the run comes to them, and the loads in them, which are no accesses. */
export class Judging {
  say: Say = () => undefined;
  judged: Judged = () => undefined;

  constructor(
    private readonly program: Program, private readonly run: RunState, private readonly questions: Questions,
    private readonly bus: EventBus,
  ) {}

  /** Judges expectation `index` of `actor`. */
  judge(actor: number, stack: GuestStack, happenings: Happenings, index: number): void {
    const expectation = this.program.expectations[index]!;
    const found = judge(expectation.claim, { words: stack.words, base: stack.base, happenings, unmapped: this.takeUnmapped() });
    this.run.judge(found === undefined);
    this.judged(index, found === undefined ? 'held' : 'failed');
    if (found === undefined) return;
    this.say('failure', `expect ${expectation.text} fails: ${found}`, expectation.statement);
    emitFailure(this.bus, actor, index);
  }

  /** What `size` bytes at linear address (lo, hi) hold, into the pair at `to`; 0 where nothing is mapped. */
  peek(actor: number, words: Int32Array, to: number, lo: number, hi: number, size: number): void {
    const { questions } = this;
    if (!questions.peek(actor, lo, hi, size)) this.run.noteUnmapped(questions.endVm, questions.endLevel, lo, hi);
    setPairAt(words, to, questions.valueLo, questions.valueHi);
  }

  /** Why a load in the claim that is being judged found nothing, as a sentence. */
  private takeUnmapped(): string | undefined {
    const unmapped = this.run.takeUnmapped();
    return unmapped === undefined ? undefined : this.questions.unmappedText(unmapped.vm, unmapped.level, unmapped.lo, unmapped.hi);
  }
}
