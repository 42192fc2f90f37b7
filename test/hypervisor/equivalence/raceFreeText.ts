import {
  DEVICE, GROUPS, GROUP_PAGES, LARGE_AREA, OWN_AREA, POOL_FRAMES, PROCESS_BITS, SHARED_AREA, TABLE, entryOf, modes, hex, poolFrame, rootOf,
  selfMapped, slotAddress, slots, upperEntry, type Mode, type ProcessName, type Slot,
} from './raceFreeLayout';
import { raceFreeHandlers } from './raceFreeHandlers';
import { frameLines, tableLines, WINDOW_INDEX } from './raceFreeTables';
import { raisedAbove, raisedInPage, takesRights } from './raisedRights';
import type { Access, Edit, Forget, Hold, HostAction, Look, Operation, Phase, RaceFreeProgram } from './raceFreeProgram';

const { COPY, PROMISED, PRESENT_RW_USER } = PROCESS_BITS;
const GLOBAL = 1n << 8n;
const LARGE = 1n << 7n;
const XD = 1n << 63n;
const MOST_CPUS = 3;
/** Of a group, the frames that pages map at first, and some others. */
const USED_FRAMES = 5;
/** Of CR3: bit 63 keeps what is cached of the PCID. SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches". */
const KEEP = 1n << 63n;
const PCID: Readonly<Record<ProcessName, number>> = { p: 1, q: 2 };

/** What only a vCPU does that has all tables for itself. */
type Alone = Extract<Operation, { kind: 'upper' }> | Extract<Operation, { kind: 'fork' | 'split' }>;

/** Kept as stale for a vCPU until it has forgotten it: a page's translation, or everything. */
type Stale = Slot | 'all';

/** The scenario that a program is. */
export function raceFreeText(program: RaceFreeProgram): string {
  return new RaceFreeWriter(program).text();
}

class RaceFreeWriter {
  private readonly mode: Mode;
  private readonly slots: readonly Slot[];
  private readonly lines: string[][];
  private readonly hasPcids: boolean;
  /** The process that each vCPU runs, as far as the text goes. */
  private readonly running: ProcessName[];
  private readonly stale: Set<Stale>[];
  /** By vCPU: processes of which its TLB may hold something old, which their next load of CR3 must drop. */
  private readonly old: Set<ProcessName>[];
  /** Entries that may be promised: reading such a page writes its entry. */
  private readonly promised = new Set<Slot>();
  /** Frames that something is to be read in, and whether a large page is ever split. */
  private readonly used = new Set<number>();
  private isSplit = false;
  private solo: number | undefined;
  private owners: readonly number[] = [];
  private barriers = 0;

  constructor(private readonly program: RaceFreeProgram) {
    this.mode = modes[program.mode];
    this.slots = slots(this.mode);
    const each = Array.from({ length: program.cpus }, (_, cpu) => cpu);
    this.lines = each.map(() => []);
    this.running = each.map((cpu) => (cpu === 1 ? 'q' : 'p'));
    this.stale = each.map(() => new Set<Stale>());
    this.old = each.map(() => new Set<ProcessName>(['p', 'q']));
    this.hasPcids = program.hasPcids && this.mode.levels >= 4;
  }

  text(): string {
    const { program, lines, mode } = this;
    const tables = tableLines({ mode, slots: this.slots, hasGlobals: program.hasGlobals, frame: (group, k) => this.frame(group, k) });
    this.barrier();
    lines.forEach((own, cpu) => { own.push(...this.start(cpu)); });
    program.phases.forEach((phase, number) => { this.phase(phase, number); });
    this.epilogue();
    lines[0]!.unshift(...tables, ...frameLines(mode, this.used, this.isSplit ? 'split' : 'large', program.seed));
    const { tlb, walkCaches, rewalk, tags, backing } = program.platform;
    return `machine { paging ${mode.name}, ram 4M, kernel none }
platform { tlb ${tlb}, walk_caches ${walkCaches}, rewalk_on_permission_fault ${rewalk}, tags ${tags}, backing ${backing}, swap 1M, ram 24M }
schedule random ${program.seed}
${program.hold === undefined ? '' : 'global through = 0\n'}${raceFreeHandlers(mode, this.forgetAll())}${lines.map((own, cpu) => `cpu ${cpu} {\n  ${own.join('\n  ')}\n}\n`).join('')}`;
  }

  /** A frame that pages of a group may map, which is used from here on. */
  private frame(group: number, k: number): number {
    const frame = poolFrame(group, k);
    this.used.add(frame);
    return frame;
  }

  private start(cpu: number): readonly string[] {
    const { isRich, hasGlobals } = this.program;
    const lines = [`cr3 = gpa:${hex(rootOf(this.running[cpu]!, this.mode))}`, 'cr0.PG = 1', `cr0.WP = ${this.program.seed & 1}`, 'sti()'];
    if (hasGlobals) lines.push('cr4.PGE = 1');
    if (isRich && this.mode.levels >= 4) lines.push('cr4.PKE = 1');
    if (this.hasPcids) lines.push('cr4.PCIDE = 1');
    return lines;
  }

  private phase(phase: Phase, number: number): void {
    const { hold } = this.program;
    const { cpus } = this.program;
    this.solo = phase.solo === undefined ? undefined : phase.solo % cpus;
    this.owners = phase.owners.map((owner) => (this.solo ?? owner % (cpus + 1)));
    for (let cpu = 0; cpu < cpus; cpu++) {
      for (const operation of phase.work[cpu] ?? []) this.operation(cpu, operation);
    }
    if (hold !== undefined && hold.phase % this.program.phases.length === number) this.hold(hold);
    const byIpi = this.lines.map((_, cpu) => phase.forget[cpu] === 'ipi' && this.stale[cpu]!.size > 0);
    byIpi.forEach((isAsked, cpu) => {
      if (!isAsked) return;
      // Whoever changed something asks; that two do is no harm.
      for (let other = 0; other < cpus; other++) if (other !== cpu) this.lines[other]!.push(`ipi(${cpu}, 0x40)`);
    });
    this.barrier();
    for (let cpu = 0; cpu < cpus; cpu++) {
      if (this.stale[cpu]!.size > 0) this.old[cpu]!.add('p').add('q');
      if (!byIpi[cpu]) this.forgetStale(cpu, phase.forget[cpu] ?? 'cr3');
      this.stale[cpu]!.clear();
    }
  }

  private barrier(): void {
    this.barriers++;
    for (const own of this.lines) own.push(`barrier b${this.barriers}`);
  }

  /** The tables of both processes are seen. */
  private epilogue(): void {
    for (const process of ['p', 'q'] as const) {
      this.lines[0]!.push(`cr3 = gpa:${hex(rootOf(process, this.mode))}`);
      this.barrier();
    }
  }

  private operation(cpu: number, operation: Operation): void {
    const isOut = this.solo !== undefined && this.solo !== cpu;
    if (operation.kind === 'host') return this.host(cpu, operation.action, operation.frame);
    // MOV to a control register reads the PDPTEs of PAE paging.
    if (isOut) return;
    switch (operation.kind) {
      case 'access': return this.access(cpu, operation.access);
      case 'edit': return this.edit(cpu, operation.edit);
      case 'control': return this.control(cpu, operation);
      case 'reload': return this.load(cpu, this.running[cpu]!);
      case 'switch': return this.load(cpu, this.running[cpu] === 'p' ? 'q' : 'p');
      case 'invlpg': return this.add(cpu, `invlpg(${hex(slotAddress(this.slots[operation.slot % this.slots.length]!))})`);
      case 'upper':
      case 'fork':
      case 'split': if (this.solo === cpu) this.alone(cpu, operation);
    }
  }

  /** Another process, or the same once more: all that is old of it is dropped, and with PCIDs what is not is kept. */
  private load(cpu: number, process: ProcessName): void {
    const root = rootOf(process, this.mode);
    const isKept = this.hasPcids && !this.old[cpu]!.has(process);
    this.running[cpu] = process;
    this.old[cpu]!.delete(process);
    this.add(cpu, `cr3 = ${isKept ? hex(KEEP | BigInt(root + PCID[process])) : `gpa:${hex(this.hasPcids ? root + PCID[process] : root)}`}`);
  }

  private access(cpu: number, { by, what, size, slot: drawn, isLarge, offset, value }: Access): void {
    const isReading = what === 'load' || what === 'fetch';
    const mine = this.ownSlots(cpu, isReading ? 'or shared' : 'alone').filter(({ table }) => table === 'shared' || table === this.running[cpu]);
    const slot = mine[drawn % mine.length];
    if (slot === undefined) return;
    const groupEnd = this.mode.groupIndex[slot.group]! + GROUP_PAGES;
    // An operand in two pages stays in the group.
    const at = offset + size > 4096 && slot.index + 1 >= groupEnd ? 0xff0 : offset;
    const address = hex(isLarge ? LARGE_AREA + BigInt(this.frame(slot.group, drawn % (POOL_FRAMES - 1)) - this.mode.largeBase + at) : slotAddress(slot) + BigInt(at));
    const who = by === 'user' ? 'user ' : '';
    const width = { 1: 'byte', 2: 'word', 4: 'dword', 8: 'qword' }[this.mode.bytes === 4 && size === 8 ? 4 : size];
    const statement = what === 'load' ? `x = ${width} [${address}]` : what === 'fetch' ? `fetch(${address})`
      : `${width} [${address}] ${what === 'store' ? '=' : what} ${hex(value & (2 ** (8 * Math.min(size, 2)) - 1))}`;
    this.tried(cpu, who + statement);
    if (!isReading && !isLarge) this.noteChange(cpu, slot);
  }

  /** One vCPU is held inside an access; another one lets it go on again and again, until it is through, for where its event never comes nothing holds it. */
  private hold({ cpu, other: behind, access, event, acts, edit, turn }: Hold): void {
    const { cpus } = this.program;
    const held = this.solo ?? cpu % cpus;
    const other = (held + 1 + behind % (cpus - 1)) % cpus;
    const tried = this.linesOf(held, () => { this.access(held, access); });
    const [reset, ...rest] = tried;
    if (reset === undefined) return;
    this.add(held, reset, `hold window before ${event}`, ...rest, 'through = 1');
    const edits = turn === 0 ? [] : this.linesOf(other, () => { this.edit(other, edit); });
    this.add(other, 'turns = 0', 'while through == 0 {', 'turns = turns + 1');
    if (edits.length > 0) this.add(other, `if turns == ${turn} {`, ...edits, '}');
    for (const { action, frame } of acts) this.host(other, action, frame);
    this.add(other, 'release window', '}');
    // Once, however often the other has waited.
    if (edits.length > 0) this.add(other, `if turns < ${turn} {`, ...edits, '}');
  }

  /** What `act` would add to the work of a vCPU. */
  private linesOf(cpu: number, act: () => void): readonly string[] {
    const lines = this.lines[cpu]!;
    const from = lines.length;
    act();
    return lines.splice(from);
  }

  private edit(cpu: number, edit: Edit): void {
    const mine = this.ownSlots(cpu, 'alone');
    const slot = mine[edit.slot % mine.length];
    if (slot === undefined) return;
    this.looking(cpu, slot, edit.look, () => { this.write(cpu, slot, edit); });
  }

  private looking(cpu: number, slot: Slot, look: Look, act: () => void): void {
    if (look.when === 'around') this.lookAt(cpu, slot, look);
    act();
    if (look.when !== 'no') this.lookAt(cpu, slot, look);
  }

  /** An access of a page in a process that has it. */
  private lookAt(cpu: number, slot: Slot, { by, what }: Look): void {
    if (slot.table !== 'shared' && slot.table !== this.running[cpu]) this.load(cpu, slot.table);
    const place = hex(slotAddress(slot) + 8n);
    const word = `${this.mode.bytes === 4 ? 'dword' : 'qword'} [${place}]`;
    for (const each of what) {
      const statement = each === 'load' ? `x = ${word}` : each === 'store' ? `${word} = 0x2a` : `fetch(${place})`;
      this.tried(cpu, `${by === 'user' ? 'user ' : ''}${statement}`);
    }
    if (what.includes('store')) this.noteChange(cpu, slot);
  }

  /** Changes the entry of a page, and forgets what was there. */
  private write(cpu: number, slot: Slot, { how, through, bits, frame, forget }: Edit): void {
    const { mode } = this;
    const flip = this.flipBits(slot, bits);
    const rights = [PRESENT_RW_USER, 5n, 3n, 0x67n, 0x27n, 5n | COPY][bits % 6]! | (mode.bytes === 8 && bits & 0x40 ? XD : 0n);
    const target = frame % 9 === 8 ? DEVICE + slot.group * 4096 : this.frame(slot.group, frame);
    const isLast = slot.index + 1 >= mode.groupIndex[slot.group]! + GROUP_PAGES;
    const shape = (how === 'low dword' || how === 'straddle') && (mode.bytes === 4 || isLast) ? 'flip' : how;
    const { place, isTried, who } = this.placeOf(cpu, slot, through, bits);
    const raised = raisedInPage[bits % 6]!;
    const statement = {
      flip: `${who}entry [${place}] ^= ${hex(flip)}`,
      raise: `${who}entry [${place}] |= ${hex(raised)}`,
      frame: `${who}entry [${place}] = ${hex(BigInt(target) | rights)}`,
      lazy: `${who}entry [${place}] = ${hex(BigInt(target) | PROMISED)}`,
      write: `${who}entry [${place}] = ${hex(BigInt(target) | 0x67n)}`,
      'low dword': `${who}dword [${place}] ^= ${hex(flip & 0x66n)}`,
      byte: `${who}byte [${place}] ^= ${hex(flip & 0x66n)}`,
      straddle: `${who}qword [${place} + 4] ^= ${hex((flip >> 32n & 0x8000_0000n) | (flip & 0x66n) << 32n)}`,
    }[shape];
    if (isTried) this.tried(cpu, statement);
    else this.add(cpu, statement);
    if (shape === 'lazy') this.promised.add(slot);
    if (shape === 'raise' && !takesRights(raised, this.program)) return;
    const changed = [slot, ...(shape === 'straddle' ? [this.slots.find(({ table, index }) => table === slot.table && index === slot.index + 1)!] : [])];
    for (const each of changed) {
      this.forgetHere(cpu, each, forget);
      this.noteChange(cpu, each);
    }
  }

  /** Bits that change in a page's entry, of those that the program uses. */
  private flipBits(slot: Slot, bits: number): bigint {
    const { mode, program } = this;
    const choice = (n: number): bigint => 1n << mode.bits[n % mode.bits.length]!;
    const global = program.hasGlobals && slot.table === 'shared' && bits & 0x800 ? GLOBAL : 0n;
    const key = program.isRich && mode.levels >= 4 && bits & 0x400 ? 1n << 59n : 0n;
    return choice(bits) | (bits & 0x100 ? choice(bits >> 4) : 0n) | global | key;
  }

  /** The linear address of a page's entry, by one of the ways that lead there. */
  private placeOf(cpu: number, slot: Slot, through: Edit['through'], bits: number): { place: string; isTried: boolean; who: string } {
    const { mode } = this;
    const at = entryOf(slot, mode);
    const isMapped = slot.table === 'shared' || slot.table === this.running[cpu];
    if (through === 'self' && mode.hasSelfMap && isMapped) return { place: hex(selfMapped(slotAddress(slot), mode)), isTried: true, who: '' };
    if (through === 'window') {
      const window = ['p', 'q', 'shared'].indexOf(slot.table);
      return {
        place: hex(SHARED_AREA + BigInt(WINDOW_INDEX + window) * 4096n + BigInt(slot.index * mode.bytes)), isTried: true, who: bits & 1 ? 'user ' : '',
      };
    }
    return { place: hex(at), isTried: false, who: '' };
  }

  private control(cpu: number, { which, value, look }: Extract<Operation, { kind: 'control' }>): void {
    const bit = value & 1;
    const choices = this.program.isRich
      ? ['cr0.WP', 'cr4.SMEP', 'cr4.SMAP', 'ac', ...(this.mode.levels >= 4 ? ['pkru'] : [])]
      : ['cr0.WP'];
    const choice = choices[which % choices.length]!;
    const statement = choice === 'ac' ? (bit === 1 ? 'stac()' : 'clac()') : choice === 'pkru' ? `pkru = ${value}` : `${choice} = ${bit}`;
    const mine = this.ownSlots(cpu, 'alone');
    const slot = mine[look.slot % mine.length];
    if (slot === undefined) this.add(cpu, statement);
    else this.looking(cpu, slot, look, () => { this.add(cpu, statement); });
  }

  /** Entries above the last level, fork, another page size. */
  private alone(cpu: number, operation: Alone): void {
    const { mode } = this;
    const both = ['p', 'q'] as const;
    switch (operation.kind) {
      case 'upper': {
        // A line of a global page would serve both processes, whose entries above differ.
        const areas = [OWN_AREA, LARGE_AREA, ...(this.program.hasGlobals ? [] : [SHARED_AREA])];
        const process = both[operation.entry & 1]!;
        const area = areas[(operation.entry >> 1) % areas.length]!;
        const entry = upperEntry(process, 2, area, mode);
        const flip = [2n, 4n, 0x20n, 0x40n, 6n, 1n, mode.bytes === 8 ? XD : 2n, 0x22n][operation.bits % 8]!;
        const raised = raisedAbove[operation.bits % 3]!;
        this.add(cpu, operation.isRaise ? `entry [${hex(entry)}] |= ${hex(raised)}` : `entry [${hex(entry)}] ^= ${hex(flip)}`);
        if (!operation.isRaise || takesRights(raised, this.program)) this.forgetEverywhere(cpu);
        // A table that both processes have is seen by both, whose rights differ by now.
        for (const each of operation.look.when === 'no' || area === LARGE_AREA ? [] : both) {
          const below = this.slots.filter(({ table }) => table === (area === SHARED_AREA ? 'shared' : each));
          this.load(cpu, each);
          this.lookAt(cpu, below[operation.look.slot % below.length]!, operation.look);
        }
        return;
      }
      case 'fork':
        mode.groupIndex.forEach((first, group) => {
          const from = TABLE.own.p + first * mode.bytes;
          const to = TABLE.own.q + first * mode.bytes;
          if (group === 0 || this.program.seed % 3 === 0) {
            this.add(cpu, `for i in 0 .. ${GROUP_PAGES} {`, `  e = entry [gva:(${hex(from)} + i * ${mode.bytes})]`, '  if e.P {',
              `    entry [gva:(${hex(from)} + i * ${mode.bytes})] = e & ~RW | ${hex(COPY)}`, `    entry [gva:(${hex(to)} + i * ${mode.bytes})] = e & ~(RW | A | D) | ${hex(COPY)}`,
              '  }', '}');
          }
        });
        break;
      case 'split':
        this.isSplit = true;
        for (const process of both) {
          const entry = upperEntry(process, 2, LARGE_AREA, mode);
          this.add(cpu, `if entry [${hex(entry)}] & ${hex(LARGE)} {`, `  entry [${hex(entry)}] = ${hex(TABLE.split | 7)}`, '} else {',
            `  entry [${hex(entry)}] = ${hex(mode.largeBase | 0x87)}`, '}');
        }
    }
    this.forgetEverywhere(cpu);
  }

  private forgetEverywhere(cpu: number): void {
    this.add(cpu, ...this.forgetAll());
    this.stale.forEach((each, other) => { if (other !== cpu) each.add('all'); });
  }

  private host(cpu: number, action: HostAction, drawn: number): void {
    const tables = [TABLE.own.p, TABLE.own.q, TABLE.shared, rootOf('p', this.mode), TABLE.level[2].p, TABLE.level[2].q];
    const frame = drawn % 3 === 0 ? tables[drawn % tables.length]! : this.frame(drawn % GROUPS, (drawn >> 2) % USED_FRAMES);
    const at = `gpa:${hex(frame)}`;
    const call = action === 'merge_all' ? 'merge_all()' : action === 'invalidate' ? `invalidate(${at}, 64K)` : action === 'log on' ? 'log_dirty(ram, true)'
      : action === 'log off' ? 'log_dirty(ram, false)' : `${action}(${at})`;
    this.add(cpu, action === 'get log' ? 'host dirty = get_dirty_log(ram)' : `host ${call}`);
  }

  /** Slots of the groups that a vCPU has in this phase. */
  private ownSlots(cpu: number, how: 'alone' | 'or shared'): readonly Slot[] {
    const shared = this.program.cpus;
    return this.slots.filter((slot) => {
      const owner = this.owners[slot.group];
      return owner === cpu || (how === 'or shared' && owner === shared && !this.mayBePromised(slot.group));
    });
  }

  private mayBePromised(group: number): boolean {
    return [...this.promised].some((slot) => slot.group === group);
  }

  private noteChange(cpu: number, slot: Slot): void {
    this.stale.forEach((each, other) => { if (other !== cpu) each.add(slot); });
    this.old[cpu]!.add(this.running[cpu] === 'p' ? 'q' : 'p');
  }

  private forgetHere(cpu: number, slot: Slot, how: Exclude<Forget, 'ipi'>): void {
    if (how === 'pge') return this.add(cpu, ...this.forgetAll());
    // A load of CR3 leaves global pages.
    if (how === 'invlpg' || this.program.hasGlobals) return this.add(cpu, `invlpg(${hex(slotAddress(slot))})`);
    this.old[cpu]!.add(this.running[cpu]!);
    this.load(cpu, this.running[cpu]!);
  }

  private forgetStale(cpu: number, how: Forget): void {
    const stale = this.stale[cpu]!;
    if (stale.size === 0) return;
    if (stale.has('all') || how === 'pge') return this.add(cpu, ...this.forgetAll());
    const pages = new Map([...stale].filter((each) => each !== 'all').map((slot) => [slotAddress(slot), slot]));
    if (how === 'cr3' && !this.program.hasGlobals) return this.load(cpu, this.running[cpu]!);
    for (const slot of pages.values()) this.forgetHere(cpu, slot, 'invlpg');
  }

  /** Loads CR3 as well: PDPTEs are read then. */
  private forgetAll(): readonly string[] {
    return this.program.hasGlobals ? ['cr4.PGE = 0', 'cr4.PGE = 1'] : ['cr4.PGE = 1', 'cr4.PGE = 0'];
  }

  /** A statement of which any access may be refused. */
  private tried(cpu: number, statement: string): void {
    this.add(cpu, 'edi = 0', statement, 'expect refused');
  }

  private add(cpu: number, ...lines: readonly string[]): void {
    if (cpu < MOST_CPUS) this.lines[cpu]!.push(...lines);
  }
}
