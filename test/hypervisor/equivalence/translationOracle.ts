import type { Machine } from '../../../src/engine/machine/machine';
import { CPU_AT, KIND, KIND_AT, field } from '../../../src/hardware/events/eventTable';
import { OPERATION } from '../../../src/hardware/paging/accessKinds';

const PAGES = 4;
const AREA = 0x20_0000;
const P = 1;
const RW = 2;
const US = 4;
const A = 0x20;
const FRAME = 0xffff_f000;
const PAGE_FAULT = 14;
const FAULT_P = 1;
const FAULT_W = 2;

/** One entry's values since the beginning, each with the time from which it held. */
interface History {
  readonly values: number[];
  readonly since: number[];
}

/**
 * Which translations of four pages the processor may use: at each level any value, present and with A = 1, that the entry has held
 * since the last invalidation that covers the address, or its present value. SDM Vol. 3, "Caching Translation Information" and
 * "Invalidation of TLBs and Paging-Structure Caches". It looks at the guest's memory between instructions, and asks nobody.
 */
export class TranslationOracle {
  static readonly root = 0x1_0000;
  /** The entry that leads to one of two page tables. */
  static readonly directoryEntry = 0x1_2008;
  static readonly tables: readonly number[] = [0x1_3000, 0x1_4000];

  static address(page: number): number {
    return AREA + (page % PAGES) * 4096;
  }

  /** One of eight frames that pages map. */
  static frame(k: number): number {
    return 0x10_0000 + (k % 8) * 4096;
  }

  readonly findings: string[] = [];
  private now = 0;
  private readonly forgotten = new Array<number>(PAGES).fill(0);
  private readonly histories = new Map<number, History>();
  private statement = -1;

  private readonly lines: readonly string[];

  constructor(private readonly machine: Machine) {
    this.lines = machine.program.files[0]!.text.split('\n').map((line) => line.trim());
    machine.bus.listen((record) => { this.note(record); }, [KIND.access_done, KIND.exception_delivered]);
  }

  /** After each instruction: notes what entries hold now, and that a statement which invalidates is over. */
  look(): void {
    this.read();
    const { interpreter, program } = this.machine;
    const { statement } = interpreter.stacks[0]!;
    if (statement === this.statement) return;
    const over = program.statements[this.statement]?.range;
    this.statement = statement;
    if (over === undefined) return;
    if (over.file !== 0) return;
    const text = this.lines[over.line]!;
    const page = /^invlpg\((0x[0-9a-f]+)\)/.exec(text)?.[1];
    if (page !== undefined) this.forgotten[(Number(page) - AREA) / 4096] = this.now;
    if (text.startsWith('cr3 =') || text.startsWith('cr0.')) this.forgotten.fill(this.now);
  }

  /** Entries that hold something new, from now on. */
  private read(): void {
    this.now++;
    for (const at of [TranslationOracle.directoryEntry, ...TranslationOracle.tables.flatMap((table) => [0, 8, 16, 24].map((entry) => table + entry))]) {
      const history = this.histories.get(at) ?? { values: [], since: [] };
      this.histories.set(at, history);
      const value = this.contents(at);
      if (history.values.at(-1) === value) continue;
      history.values.push(value);
      history.since.push(this.now);
    }
  }

  private contents(at: number): number {
    const { technique, memory } = this.machine;
    const frame = technique.guestMemory.contentsOf(at >>> 12);
    return frame < 0 ? 0 : memory.load32((frame << 12) | (at & 0xfff), frame >>> 20);
  }

  private note(record: Int32Array): void {
    if (record[CPU_AT] !== 0) return;
    this.read();
    const gva = record[field.gva.at]! >>> 0;
    if (gva < AREA || gva >= AREA + PAGES * 4096) return;
    const page = (gva - AREA) >>> 12;
    if (record[KIND_AT] === KIND.access_done) this.judgeAccess(page, record);
    else if (record[field.vector.at] === PAGE_FAULT) {
      this.judgeFault(page, record[field.code.at]!);
      // SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches": the fault invalidates what there is of its address.
      this.forgotten[page] = this.now;
    }
  }

  private judgeAccess(page: number, record: Int32Array): void {
    const isWrite = record[field.what.at] === OPERATION.store;
    const needed = P | US | (isWrite ? RW : 0);
    const hostFrame = (record[field.hpa.at]! >>> 12) | (record[field.hpa.at + 1]! << 20);
    const isAllowed = this.translations(page).some(({ rights, frame }) => (
      (rights & needed) === needed && this.machine.technique.guestMemory.contentsOf(frame >>> 12) === hostFrame
    ));
    if (!isAllowed) this.say(`${isWrite ? 'a store to' : 'an access of'} page ${page} reaches a frame, or has a right, that no allowed translation gives`);
  }

  private judgeFault(page: number, code: number): void {
    const needed = P | US | (code & FAULT_W ? RW : 0);
    const isAllowed = this.translations(page).some(({ rights }) => (
      (rights & needed) !== needed && ((code & FAULT_P) !== 0) === ((rights & P) !== 0)
    ));
    if (!isAllowed) this.say(`a fault at page ${page} with code ${code}, for which no allowed translation is a reason`);
  }

  /** All that the two levels allow together; the entries above never change. Rights are P, RW and US of both. */
  private translations(page: number): readonly { readonly rights: number; readonly frame: number }[] {
    return this.allowed(TranslationOracle.directoryEntry, page).flatMap((pde) => {
      if ((pde & P) === 0) return [{ rights: 0, frame: 0 }];
      const table = TranslationOracle.tables.find((each) => each === (pde & FRAME));
      if (table === undefined) return [];
      return this.allowed(table + page * 8, page).map((pte) => ({ rights: (pte & P) === 0 ? 0 : pde & pte & (P | RW | US), frame: pte & FRAME }));
    });
  }

  /** Values of an entry that may be used for a page: its present one, and what was cached since its last invalidation. */
  private allowed(at: number, page: number): readonly number[] {
    const { values, since } = this.histories.get(at)!;
    return values.filter((value, i) => {
      if (i === values.length - 1) return true;
      const isSince = since[i + 1]! > this.forgotten[page]!;
      return isSince && (value & (P | A)) === (P | A);
    });
  }

  private say(text: string): void {
    const { interpreter, program } = this.machine;
    const line = program.statements[interpreter.stacks[0]!.statement]?.range.line ?? -1;
    this.findings.push(`line ${line + 1}: ${text}`);
  }
}
