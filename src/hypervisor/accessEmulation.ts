import { ACCESS, OPERATION } from '../hardware/paging/accessKinds';
import { RESUME } from '../hardware/processor/rootMode';
import { refuseOwnAccess } from './commonExits';
import type { ControlBlock } from './controlBlock';
import type { MmuNotifier } from './host/mmuNotifier';
import { give, line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from './listing';
import { readSequence, retryIfChanged } from './operandRetry';
import { errorCodeOf, markWritten, PAGE_KNOWN, walkOperandPage, type OperandOwner, type WalkVariant } from './walkOperandPage';

const V = { gva: 0, error_code: 1, pages: 2, mmu_seq: 3 } as const;

/** What an emulated access needs of whoever emulates it. */
interface Emulator extends OperandOwner {
  readonly notifier: MmuNotifier;
  cameTo: number;
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number;
}

/** The two procedures: a page of an operand, and the access as a whole, which gives a `RESUME`. */
export interface AccessEmulation<M> {
  readonly walkOperand: ListingProcedure<M>;
  readonly emulateAccess: ListingProcedure<M>;
}

/** What one hypervisor's emulation has that others have not. */
export interface EmulationVariant<M> {
  /** Left out: `emulate_access`. */
  readonly name?: string;
  /** Left out: a procedure of its own. */
  readonly walkOperand?: ListingProcedure<M>;
  readonly purpose: string;
  /**
   * The access integer (`ACCESS`) where each access exits and tells it, whether an instruction names it or not; left out: the exit was of an
   * operand, and what the processor accesses by itself cannot be emulated.
   */
  readonly accessOf?: (mmu: M) => number;
  /** Of the walk for each page. */
  readonly walk?: WalkVariant<M>;
  /** What is besides to be done about what the access writes, and the values that it takes. */
  readonly values?: ListingProcedure<M>['values'];
  readonly before?: readonly ListingNode<M>[];
  readonly after?: readonly ListingNode<M>[];
}

/** For the listing of a hypervisor `M`, whose guest runs by such a control block. */
export function accessEmulation<M extends Emulator>(
  control: ControlBlock, { name = 'emulate_access', walkOperand: given, purpose, accessOf, walk, values = [], before = [], after = [] }: EmulationVariant<M>,
): AccessEmulation<M> {
  const walkOperand = given ?? walkOperandPage<M>(control, { ...walk, ...(accessOf === undefined ? {} : { kindOf: accessOf }) });
  const findsPage = (mmu: M, f: ListingFrame): boolean => {
    mmu.cameTo = mmu.call(walkOperand, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0);
    return mmu.cameTo === PAGE_KNOWN;
  };
  const emulateAccess: ListingProcedure<M> = {
    name,
    purpose,
    values: [{ name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'mmu_seq', kind: 'number' }, ...values],
    parameters: 0,
    body: [
      ...(accessOf === undefined ? [refuseOwnAccess<M>(control)] : []),
      line('error_code = as a page fault would tell of the access', {}, (mmu, f) => {
        f.set(V.error_code, errorCodeOf(accessOf === undefined ? operandAccess(mmu) : accessOf(mmu)), 0);
        f.set(V.pages, 0, 0);
      }),
      readSequence(V.mmu_seq),
      repeat('gva = where the operand begins in its next page', (mmu, f) => nextPage(mmu, f), [
        when('walk_operand_page(gva, error_code) does not come back with it', (mmu, f) => !findsPage(mmu, f), [
          give('what it came to', (mmu) => mmu.cameTo),
        ]),
      ]),
      retryIfChanged(V.mmu_seq),
      ...before,
      line('perform the access: where nothing answers, a load gives ones; where nothing takes it, a store goes nowhere',
        { writes: ['memory', 'registers'] }, (mmu) => {
          if (accessOf !== undefined) mmu.operand.tellStore();
          mmu.operand.perform();
        }),
      markWritten<M>(),
      ...after,
      give('behind the instruction', RESUME.completed),
    ],
  };
  return { walkOperand, emulateAccess };
}

function operandAccess({ processor }: OperandOwner): number {
  const { operation } = processor.pending;
  const kind = operation === OPERATION.load ? ACCESS.read : operation === OPERATION.fetch ? ACCESS.fetch : ACCESS.write;
  return processor.level === 3 ? kind | ACCESS.user : kind;
}

function nextPage({ processor, operand }: OperandOwner, f: ListingFrame): boolean {
  const seen = f.lo(V.pages);
  f.set(V.pages, seen + 1, 0);
  if (seen === 0) {
    f.set(V.gva, processor.pending.gvaLo, processor.pending.gvaHi);
    return true;
  }
  if (seen > 1 || !operand.crosses) return false;
  const { lo, hi } = operand.otherGva(processor.pending.gvaLo);
  f.set(V.gva, lo, hi);
  return true;
}
