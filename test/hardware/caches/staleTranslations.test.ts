import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { cachedMappings, type CachedMapping } from '../../../src/hardware/caches/cacheView';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { type ProcessorSettings, RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { halves, TestMachine, whole } from '../testMachine';
import { entryAddress, type Path, RIGHT, TableHistory } from './allowedTranslations';
import {
  DESCRIPTOR, DESCRIPTOR_AT, EPT_ROOTS, eptPde, eptPte, G, GPAS, HPAS, KERNEL, KERNEL_TABLES, LARGE, OPEN, P, PAGES, PCIDS, PS, pteFlags, ROOTS,
  RW, spaceTables, upperFlags, USER_PAGES, WB, writeTables,
} from './editedTables';

/*
 * A guest edits its tables and a hypervisor its EPT, and they invalidate, or forget to. Whatever is cached, of whatever
 * kind, in whatever context, must be something that the tables have said since the last invalidation that concerns it;
 * where there is only one such thing, that is what a fresh walk says, and what an access comes to.
 */
interface Step { readonly what: number; readonly a: number; readonly b: number; readonly c: number }
interface Virtualization { readonly ept: boolean; readonly vpid: boolean }
interface Context { readonly vpid: number; readonly pcid: number; readonly root: bigint }

/** The machine, its tables' past, and when what was invalidated last. */
class Subject {
  readonly machine: TestMachine;
  readonly history = new TableHistory();
  vpid: number;
  pcid = 0;
  space = 0;
  eptRoot: bigint;
  /** Checks that left one thing to be known, and more than one. */
  single = 0;
  several = 0;
  private readonly since = new Map<string, number>();
  private readonly contexts: readonly Context[];

  constructor(settings: Partial<ProcessorSettings>, private readonly virtualization: Virtualization) {
    this.machine = new TestMachine(settings);
    this.vpid = virtualization.vpid ? 1 : 0;
    this.eptRoot = virtualization.ept ? EPT_ROOTS[0]! : 0n;
    const vpids = virtualization.vpid ? [1, 2] : [0];
    const roots = virtualization.ept ? EPT_ROOTS : [0n];
    this.contexts = vpids.flatMap((vpid) => PCIDS.flatMap((pcid) => roots.map((root) => ({ vpid, pcid, root }))));
    writeTables((address, value) => this.write(address, value));
    this.machine.onExit = () => RESUME.completed;
    this.machine.set({ cr4: CR4.PAE | CR4.PGE | CR4.PCIDE | (virtualization.ept ? CR4.VMXE : 0), cr3: ROOTS[0]! });
    if (virtualization.ept) this.enterGuest();
    this.history.useRoot(this.spaceOf(), ROOTS[0]!);
    this.forget(() => true, 'every page', 'also');
    for (const root of EPT_ROOTS) for (const gpa of GPAS) this.since.set(`N${root}/${gpa}`, this.history.now);
  }

  write(address: bigint, value: bigint): void {
    this.history.write(address, value);
    this.machine.put(address, value);
  }

  step({ what, a, b, c }: Step): void {
    const { machine } = this;
    const pick = <T>(from: readonly T[], by: number): T => from[by % from.length]!;
    const space = b & 1;
    const tables = spaceTables(space);
    const page = pick(PAGES, a);
    switch (what) {
      case 0: case 1: case 2: case 3: case 4: return this.access(page, b % 3, c & 1 ? 3 : 0);
      case 5: {
        if (page >= KERNEL) return this.write(entryAddress(KERNEL_TABLES[2], page, 1), pick(GPAS, c) | pick(pteFlags, c >> 2) | (c & 1 ? G : 0n));
        return this.write(entryAddress(pick(tables.pts, c >> 5), page, 1), pick(GPAS, c) | pick(pteFlags, c >> 2));
      }
      case 6: {
        const entry = entryAddress(tables.pd, pick(USER_PAGES, a), 2);
        const large = LARGE | PS | pick(upperFlags, c >> 2);
        return this.write(entry, c % 4 === 3 ? large : c % 11 === 0 ? 0n : pick(tables.pts, c) | pick(upperFlags, c >> 2));
      }
      case 7:
        if (c & 1) return this.write(entryAddress(ROOTS[space]!, 0n, 4), tables.pdpt | pick(upperFlags, c >> 1));
        return this.write(entryAddress(tables.pdpt, 0n, 3), tables.pd | pick(upperFlags, c >> 1));
      case 8:
        if (!this.virtualization.ept) return;
        if (c % 5 === 0) return this.write(eptPde(pick(EPT_ROOTS, b)), (pick(EPT_ROOTS, b) + 0x3000n) | pick([7n, 5n, 3n], c));
        return this.write(eptPte(pick(EPT_ROOTS, b), pick(GPAS, a)), c % 7 === 0 ? 0n : pick(HPAS, c) | pick([7n, 5n, 3n, 1n], c >> 2) | WB);
      case 9: {
        assert.equal(machine.invlpg(page), STATUS.done);
        this.forget(({ vpid, pcid }) => vpid === this.vpid && pcid === this.pcid, page, 'also', 'all');
        return;
      }
      case 10: return this.moveCr3(space, pick(PCIDS, b >> 1), c % 3 === 0);
      case 11: return this.invpcid(a % 4, pick(PCIDS, b), page);
      case 12: {
        const cr4 = machine.register('cr4');
        assert.equal(machine.move('cr4', cr4 & ~BigInt(CR4.PGE)), STATUS.done);
        assert.equal(machine.move('cr4', cr4), STATUS.done);
        return this.forget(({ vpid }) => vpid === this.vpid, 'every page', 'also');
      }
      case 13: return this.invvpid(a % 4, 1 + (b & 1), page);
      case 14: return this.invept(1 + (a & 1), pick(EPT_ROOTS, b));
      case 15: return this.enter(1 + (a & 1), pick(EPT_ROOTS, b));
      case 16: case 17: return this.remap(page, a >> 3, c);
      default: return this.withdraw(page, c);
    }
  }

  /** An edit of a page that is in use, and one of the operations that are for that. */
  private remap(page: bigint, how: number, c: number): void {
    const frame = GPAS[c % GPAS.length]!;
    const { pts } = spaceTables(this.space);
    this.perform(page, 0);
    if (page >= KERNEL) this.write(entryAddress(KERNEL_TABLES[2], page, 1), frame | P | RW | G);
    else for (const pt of pts) this.write(entryAddress(pt, page, 1), frame | OPEN);
    const operation = [9, 11, 12, 13][how % 4]!;
    const a = operation === 9 ? PAGES.indexOf(page) : 0;
    if (operation === 11) this.invpcid(0, this.pcid, page);
    else if (operation === 13) this.invvpid(0, this.vpid, page);
    else this.step({ what: operation, a, b: 0, c: 0 });
  }

  /** EPT takes a page that is in use to another frame, without the right to write it, and the guest writes it. */
  private withdraw(page: bigint, c: number): void {
    if (!this.virtualization.ept) return;
    this.perform(page, 0);
    const gpa = GPAS.find((each) => this.machine.walk(page, ACCESS.read) === WALK.mapped && this.translated() === each);
    if (gpa === undefined) return;
    this.write(eptPte(this.eptRoot, gpa), HPAS[c % HPAS.length]! | 1n | WB);
    this.access(page, 1, 0);
  }

  /** Guest-physical page of the walk that was made last. */
  private translated(): bigint {
    const { gpaLo, gpaHi } = this.machine.processor.inspection.result;
    return whole(gpaLo, gpaHi) & ~0xfffn;
  }

  /** Everything that is cached is something that the tables have said. */
  check(): void {
    for (const line of cachedMappings(this.machine.processor.caches)) {
      if (line.cache === 'L1 TLB' || line.cache === 'L2 TLB') this.checkTranslation(line);
      else if (line.cache === 'nested TLB') this.checkNested(line);
      else if (line.cache === 'nested PDE cache') this.checkNestedStructure(line);
      else if (!line.cache.startsWith('nested')) this.checkStructure(line);
    }
  }

  private spaceOf(vpid = this.vpid, pcid = this.pcid): string { return `${vpid}/${pcid}`; }
  private key(kind: string, { vpid, pcid, root }: Context, page: bigint): string { return `${kind}${vpid}/${pcid}/${root}/${page}`; }
  private at(kind: string, context: Context, page: bigint): number { return this.since.get(this.key(kind, context, page)) ?? 0; }
  private nestedSince(root: bigint, gpa: bigint): number { return this.since.get(`N${root}/${gpa}`) ?? 0; }
  private nestedOldest(root: bigint): number { return Math.min(...GPAS.map((gpa) => this.nestedSince(root, gpa))); }
  private get context(): Context { return { vpid: this.vpid, pcid: this.pcid, root: this.eptRoot }; }

  /**
   * An invalidation: of TLB lines for one page or all, and of paging-structure lines for the page or all. Global lines of
   * a page go whatever the PCID, so they have a time of their own for each VPID.
   */
  private forget(
    isMeant: (context: Context) => boolean, page: bigint | 'every page', globals: 'also' | 'kept',
    structures: 'all' | 'of the page' = page === 'every page' ? 'all' : 'of the page',
  ): void {
    const { now } = this.history;
    for (const context of this.contexts) {
      const isGlobalMeant = globals === 'also' && this.contexts.some((each) => each.vpid === context.vpid && each.root === context.root && isMeant(each));
      const meant = PAGES.filter((each) => page === 'every page' || each === page || this.isSameLargePage(context, each, page));
      for (const each of meant) {
        if (isGlobalMeant) {
          this.since.set(this.key('G', context, each), now);
          this.since.set(this.key('H', context, each), this.nestedOldest(context.root));
        }
        if (!isMeant(context)) continue;
        this.since.set(this.key('T', context, each), now);
        this.since.set(this.key('C', context, each), this.nestedOldest(context.root));
      }
      if (!isMeant(context)) continue;
      for (const each of PAGES) if (structures === 'all' || each === page) this.since.set(this.key('P', context, each), now);
    }
  }

  private isSameLargePage(context: Context, page: bigint, other: bigint): boolean {
    const paths = this.history.paths(this.spaceOf(context.vpid, context.pcid), page, this.at('T', context, page));
    return paths.length > 0 && paths.every(({ shift }) => shift > 12 && page >> BigInt(shift) === other >> BigInt(shift));
  }

  /** What the TLB may know of a page in a context, and since when nested tables may be known there. */
  private known(context: Context, page: bigint, which: 'global' | 'own' | 'either'): { readonly paths: readonly Path[]; readonly nestedSince: number } {
    const own = which === 'global' ? [] : this.history.paths(this.spaceOf(context.vpid, context.pcid), page, this.at('T', context, page));
    if (which === 'own' || page < KERNEL) return { paths: own, nestedSince: this.at('C', context, page) };
    const makers = this.contexts.filter(({ vpid, root }) => vpid === context.vpid && root === context.root);
    const global = makers.flatMap((maker) => {
      const since = Math.min(this.at('T', maker, page), this.at('G', maker, page));
      return this.history.paths(this.spaceOf(maker.vpid, maker.pcid), page, since).filter(({ isGlobal }) => isGlobal);
    });
    const nestedSince = Math.min(...makers.flatMap((maker) => [this.at('C', maker, page), this.at('H', maker, page)]));
    return { paths: [...own, ...global], nestedSince };
  }

  private nestedOf(root: bigint, gpa: bigint, since: number): readonly { readonly hpa: bigint; readonly rights: number }[] {
    if (root === 0n || gpa >= LARGE || gpa < GPAS[0]!) return [{ hpa: gpa & ~0xfffn, rights: 7 }];
    return this.history.nested(eptPde(root), eptPte(root, gpa), since);
  }

  private checkTranslation(line: CachedMapping): void {
    const context = { vpid: line.vpid, pcid: line.pcid, root: whole(line.rootLo, line.rootHi) };
    for (const page of PAGES.filter((each) => each >> BigInt(line.shift) === signed(line) >> BigInt(line.shift))) {
      const offset = page & ((1n << BigInt(line.shift)) - 1n);
      const gpa = whole(line.targetLo, line.targetHi) + offset;
      const hpa = whole(line.hpaLo, line.hpaHi) + offset;
      const { paths, nestedSince } = this.known(context, page, line.isGlobal ? 'global' : 'own');
      const isKnown = paths.some((path) => path.shift === line.wholeShift && path.gpa === gpa && path.rights === line.rights
        && path.isGlobal === line.isGlobal
        && this.nestedOf(context.root, gpa, nestedSince).some((nested) => nested.hpa === hpa && nested.rights === line.eptRights));
      assert.ok(isKnown, `${described(line)} for 0x${page.toString(16)}: ${JSON.stringify(paths, text)}`);
      if (paths.length === 1) this.single++;
      else this.several++;
    }
  }

  private checkStructure(line: CachedMapping): void {
    const level = ['PDE cache', 'PDPTE cache', 'PML4E cache'].indexOf(line.cache) + 2;
    const context = { vpid: line.vpid, pcid: line.pcid, root: whole(line.rootLo, line.rootHi) };
    for (const page of PAGES.filter((each) => each >> BigInt(line.shift) === signed(line) >> BigInt(line.shift))) {
      const known = this.history.tables(this.spaceOf(line.vpid, line.pcid), page, level, this.at('P', context, page));
      const isKnown = known.some(({ table, rights }) => table === whole(line.targetLo, line.targetHi) && rights === line.rights);
      assert.ok(isKnown, `${described(line)} for 0x${page.toString(16)}: ${JSON.stringify(known, text)}`);
    }
  }

  private checkNested(line: CachedMapping): void {
    const gpa = whole(line.pageLo, line.pageHi);
    const root = whole(line.rootLo, line.rootHi);
    if (!GPAS.includes(gpa)) return;
    const known = this.nestedOf(root, gpa, this.nestedSince(root, gpa));
    const isKnown = known.some(({ hpa, rights }) => hpa === whole(line.hpaLo, line.hpaHi) && rights === line.rights);
    assert.ok(isKnown, `${described(line)}: ${JSON.stringify(known, text)}`);
  }

  private checkNestedStructure(line: CachedMapping): void {
    if (whole(line.pageLo, line.pageHi) !== GPAS[0]) return;
    const root = whole(line.rootLo, line.rootHi);
    const since = Math.max(...GPAS.map((gpa) => this.nestedSince(root, gpa)));
    assert.ok(this.history.values(eptPde(root), since).some((value) => Number(value & 7n) === line.rights), described(line));
  }

  private access(page: bigint, kind: number, cpl: number): void {
    const { machine, context } = this;
    machine.set({ cpl });
    const access = [ACCESS.read, ACCESS.write, ACCESS.fetch][kind]! | (cpl === 3 ? ACCESS.user : 0);
    const fresh = this.fresh(page, access);
    const { paths, nestedSince } = this.known(context, page, 'either');
    const allowed = new Set(paths.flatMap((path) => this.outcomes(path, kind, cpl, nestedSince)));
    const seen = this.perform(page, kind);
    machine.set({ cpl: 0 });
    assert.ok(allowed.has(seen), `${page.toString(16)}: ${seen} is none of ${[...allowed].join(', ')}`);
    if (allowed.size === 1) assert.equal(seen, fresh, 'all required invalidations were made');
    if (seen === 'page fault') {
      if (machine.processor.settings.rewalkOnPermissionFault === 'on') assert.equal(fresh, 'page fault', 'no spurious fault');
      this.forget((each) => each.vpid === context.vpid && each.pcid === context.pcid, page, 'also');
      machine.set({ cpl });
      const again = this.perform(page, kind);
      machine.set({ cpl: 0 });
      assert.equal(again === 'page fault', fresh === 'page fault', 'a fault comes twice only when the tables call for it');
    }
  }

  private fresh(page: bigint, access: number): string {
    const outcome = this.machine.walk(page, access);
    const { hpaLo, hpaHi } = this.machine.processor.inspection.result;
    return outcome === WALK.mapped ? whole(hpaLo, hpaHi).toString(16) : outcome === WALK.pageFault ? 'page fault' : 'EPT violation';
  }

  private outcomes(path: Path, kind: number, cpl: number, nestedSince: number): readonly string[] {
    const { rights } = path;
    const isRefused = path.shift < 0 || cpl === 3 && (rights & RIGHT.user) === 0
      || kind === 1 && (rights & RIGHT.writable) === 0 || kind === 2 && (rights & RIGHT.executable) === 0;
    if (isRefused) return ['page fault'];
    const need = [1, 2, 4][kind]!;
    return this.nestedOf(this.eptRoot, path.gpa, nestedSince)
      .map((nested) => ((nested.rights & need) === 0 ? 'EPT violation' : (nested.hpa | (path.gpa & 0xfffn)).toString(16)));
  }

  private perform(page: bigint, kind: number): string {
    const { machine } = this;
    const exits = machine.exits.length;
    const status = kind === 0 ? machine.load(page) : kind === 1 ? machine.store(page, 1n) : machine.fetch(page);
    if (machine.exits.length > exits) {
      const { gpa, reason } = machine.exits[exits]!;
      assert.equal(reason, 48);
      this.noteViolation(page, gpa & ~0xfffn);
      return 'EPT violation';
    }
    if (status === STATUS.exception) return 'page fault';
    return machine.hpa.toString(16);
  }

  private noteViolation(page: bigint, gpa: bigint): void {
    const { context } = this;
    if (!this.virtualization.vpid) this.forget(() => true, 'every page', 'also');
    // Before the combined mapping: it may be made anew of what nested caches have left.
    this.since.set(`N${context.root}/${gpa}`, this.history.now);
    this.forget((each) => each.vpid === context.vpid && each.pcid === context.pcid && each.root === context.root, page, 'also');
  }

  private moveCr3(space: number, pcid: number, keeps: boolean): void {
    assert.equal(this.machine.move('cr3', ROOTS[space]! | BigInt(pcid) | (keeps ? 1n << 63n : 0n)), STATUS.done);
    this.space = space;
    this.pcid = pcid;
    this.history.useRoot(this.spaceOf(), ROOTS[space]!);
    if (!keeps) this.forget((each) => each.vpid === this.vpid && each.pcid === pcid, 'every page', 'kept');
  }

  private invpcid(type: number, pcid: number, page: bigint): void {
    this.machine.put(DESCRIPTOR_AT, BigInt(pcid));
    this.machine.put(DESCRIPTOR_AT + 8n, page);
    assert.equal(this.machine.processor.invpcid(type, ...halves(DESCRIPTOR)), STATUS.done);
    const isHere = ({ vpid }: Context): boolean => vpid === this.vpid;
    if (type === 0) this.forget((each) => isHere(each) && each.pcid === pcid, page, 'kept');
    else if (type === 1) this.forget((each) => isHere(each) && each.pcid === pcid, 'every page', 'kept');
    else this.forget(isHere, 'every page', type === 2 ? 'also' : 'kept');
  }

  private invvpid(type: number, vpid: number, page: bigint): void {
    if (!this.virtualization.vpid) return;
    assert.equal(this.machine.processor.vmxInvalidations.invvpid(type, vpid, ...halves(page)).kind, 'succeed');
    this.forget((each) => type === 2 || each.vpid === vpid, type === 0 ? page : 'every page', type === 3 ? 'kept' : 'also');
  }

  private invept(type: number, root: bigint): void {
    if (!this.virtualization.ept) return;
    assert.equal(this.machine.processor.vmxInvalidations.invept(type, ...halves(root | 0x1en)).kind, 'succeed');
    const roots = type === 2 ? EPT_ROOTS : [root];
    for (const each of roots) for (const gpa of GPAS) this.since.set(`N${each}/${gpa}`, this.history.now);
    // What the paging-structure caches of the guest's dimension have is combined too.
    this.forget((each) => roots.includes(each.root), 'every page', 'also');
  }

  /** VM entry with another VPID or EPTP. */
  private enter(vpid: number, root: bigint): void {
    if (!this.virtualization.vpid) return;
    this.machine.vmcs({ vpid, eptp: root | 0x1en });
    this.machine.processor.reload();
    this.vpid = vpid;
    this.eptRoot = root;
    this.history.useRoot(this.spaceOf(), ROOTS[this.space]!);
  }

  private enterGuest(): void {
    const { machine, virtualization } = this;
    machine.enterWithEpt(virtualization.vpid ? { vpid: 1 } : {});
    machine.vmcs({ secondary_controls: machine.field('secondary_controls') | (1n << 12n), eptp: EPT_ROOTS[0]! | 0x1en });
    machine.processor.reload();
  }
}

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value);
const signed = (line: CachedMapping): bigint => whole(line.pageLo, line.pageHi);
const described = (line: CachedMapping): string => JSON.stringify({ ...line, page: signed(line).toString(16), hpa: whole(line.hpaLo, line.hpaHi).toString(16) });

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.nat({ max: 18 }), a: fc.nat({ max: 63 }), b: fc.nat({ max: 63 }), c: fc.nat({ max: 255 }),
});
const NATIVE: Virtualization = { ept: false, vpid: false };
const EPT: Virtualization = { ept: true, vpid: false };
const EPT_VPID: Virtualization = { ept: true, vpid: true };
const SMALL = { tlbEntries: 4, tlbWays: 2 } as const;
const L2 = { ...SMALL, tlbL2: { entries: 16, ways: 4 } } as const;

describe('what is cached', () => {
  for (const [name, settings, virtualization] of [
    ['one level of TLB', {}, NATIVE],
    ['two levels of TLB', L2, NATIVE],
    ['paging-structure caches', { ...SMALL, walkCaches: 'on' }, NATIVE],
    ['everything, and refusals walked again', { ...L2, walkCaches: 'on', vendor: 'amd', rewalkOnPermissionFault: 'on' }, NATIVE],
    ['everything, in lines of 4 KBytes', { ...L2, walkCaches: 'on', tlbPageShifts: [12] }, NATIVE],
    ['one level of TLB behind EPT', {}, EPT],
    ['everything behind EPT', { ...L2, walkCaches: 'on' }, EPT],
    ['one level of TLB behind EPT with VPIDs', {}, EPT_VPID],
    ['everything behind EPT with VPIDs', { ...L2, walkCaches: 'on' }, EPT_VPID],
  ] as const satisfies readonly (readonly [string, Partial<ProcessorSettings>, Virtualization])[]) {
    it(`is what the tables say, or have said and nobody invalidated: ${name}`, function () {
      this.timeout(60_000);
      let single = 0;
      let several = 0;
      fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        const subject = new Subject(settings, virtualization);
        for (const each of steps) {
          subject.step(each);
          subject.check();
        }
        single += subject.single;
        several += subject.several;
      }), { numRuns: 60, seed: 20261121 });
      assert.ok(single > 500 && several > 500, `${single} and ${several} checks`);
    });
  }
});
