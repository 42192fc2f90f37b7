import { strict as assert } from 'node:assert';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { LONG4 } from '../../src/hardware/paging/formats/long4';
import { intercept, SVM_EXIT } from '../../src/hardware/svm/svmExitCodes';
import { compiled, scenarioText } from '../engine/onMachine';
import { changeEveryPage, leaveFrames, protectLargePage, starveAt, waitForNmis } from './programs/hostPokes';
import { deprivilegedRoads, withoutFrames } from './programs/deprivilegedGuests';
import { beyondEmulation, inPageTables, swappedStack, throughOwnTables } from './programs/deliveryGuests';
import { hostPrograms } from './programs/hostPrograms';
import { operandPrograms } from './programs/operandPrograms';
import { eventKinds } from '../../src/hardware/events/eventTable';
import { allLines, hitsText, summedHits, watchListings, type WatchedRun } from './listingWatch';
import { trackedWrites } from './nested/nestedPrograms';
import { realModeRoads } from './programs/realModeGuests';
import { composedWithoutFrames, otherModes, outOfStep } from './programs/shadowRoads';
import {
  changing, comeRound, fillLog, FULL_AT, goingTables, mapLarge, misconfigure, setReservedBit, slotted, stackOnDevice, WRAP_AT,
} from './programs/slotPrograms';

const HEAD = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x604000 rw user }\n';

/** A scenario for every road through a handler. */
const programs: readonly string[] = [
  scenarioText('first-touch'),
  scenarioText('page-table-write'),
  scenarioText('context-switch'),
  scenarioText('changed-entry'),
  // A right taken from a page that was accessed and dirty: eager update makes the SPTE anew.
  `${HEAD}cpu 0 {
    switch(p)
    user [0x600000] = 1
    entry [pte_at(p, 0x600000)] &= ~RW
    user x = [0x600000]
    invlpg(0x600000)
  }`,
  // MMIO: a page that leads outside every slot.
  `${HEAD}cpu 0 {
    switch(p)
    map(p, 0x700000, gpa:64M, rw)
    user x = [0x700000]
    user [0x700000] = 1
  }`,
  // Control registers, and a supervisor that writes a read-only page with WP = 0, under SMEP.
  `${HEAD}process q { 0x610000 .. 0x611000 ro user }
  cpu 0 {
    switch(q)
    x = cr3
    cr4.SMEP = 1
    cr0.WP = 0
    [0x610000] = 1
    user y = [0x610000]
  }`,
  // CR3, and a table, outside every slot.
  `${HEAD}cpu 0 { cr3 = gpa:64M }`,
  `${HEAD}cpu 0 {
    switch(p)
    entry [direct(p.root)] = pml4e(gpa:64M, rwx, user)
    user x = [0x600000]
  }`,
];

/** Accesses that the hypervisor does for the guest, in one page or two: MMIO, and page tables. */
const emulated: readonly string[] = [
  // MMIO, then RAM, then MMIO again; and RAM after MMIO that the guest does not map.
  `${HEAD}cpu 0 {
    switch(p)
    map(p, 0x700000, gpa:64M, rw)
    map(p, 0x701000, gpa:8M, rw)
    map(p, 0x702000, gpa:65M, rw)
    map(p, 0x703000, gpa:66M, rw)
    user [0x700ffc] = 0x1122334455667788
    user [0x701ffe] += 1
    user x = [0x702fff]
    user y = [0x703ffd]
    expect refused
  }`,
  // The same with a table above the last level.
  `${HEAD}cpu 0 {
    switch(p)
    user [0x600000] = 1
    table_page = gpa:(entry [direct(entry [direct(p.root)].frame)].frame)
    for a in 0x700000 .. 0x703000 step 4K { map(p, a, table_page, rw) }
    user [0x701ffc] = 0
    user dword [0x702ffe] = 0
    expect refused
  }`,
  // Behind MMIO: an address that is not canonical, a table outside every slot.
  `${HEAD}cpu 0 {
    switch(p)
    map(p, 0x7ffffffff000, gpa:64M, rw)
    user x = [0x7fffffffffff]
  }`,
  `${HEAD}cpu 0 {
    switch(p)
    map(p, 0x7ff000, gpa:64M, rw)
    entry [pte_for(p, 0x800000) & ~0xfff] = 0
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 4 * 8] = pde(gpa:64M, rwx, user)
    user [0x7fffff] = 1
  }`,
  // A page table as the second page of the operand: behind MMIO, and behind another page table.
  `${HEAD}cpu 0 {
    switch(p)
    user [0x600000] = 1
    table_page = gpa_of(pte_at(p, 0x600000))
    map(p, 0x700000, gpa:64M, rw)
    map(p, 0x701000, table_page, rw)
    map(p, 0x702000, table_page, rw)
    user [0x700ffc] = 0
    user [0x701ffc] = 0
    user dword [0x702ffe] = 0
    expect refused
  }`,
  // A root that the guest has never touched.
  `${HEAD}cpu 0 {
    cr3 = gpa:9M
    cr3 = p.root
    entry [direct(gpa:9M)] = 0
  }`,
  // WP = 0 where U must stay; and a value that CR4 does not take.
  `${HEAD}process q { 0x610000 .. 0x611000 ro user }
  cpu 0 {
    switch(q)
    cr4.SMAP = 1
    cr0.WP = 0
    stac()
    [0x610000] = 1
    cr4.PAE = 0
  }`,
];

/** The same without a host frame left for what is touched first on line 5. */
const starved: readonly string[] = [
  `machine { paging 32-bit, ram 16M, kernel none }
  cpu 0 {
    entry [0x1000] = pde(gpa:0, rw, large)
    cr4.PSE = 1
    cr3 = gpa:0x1000
    cr0.PG = 1
  }`,
  `${HEAD}cpu 0 {
    switch(p)
    map(p, 0x700000, gpa:64M, rw); map(p, 0x701000, gpa:8M, rw)
    user [0x700ffc] = 1
  }`,
  `${HEAD}cpu 0 {
    cr3 = gpa:9M
    cr3 = p.root
    entry [direct(gpa:9M)] = 0
  }`,
  `${HEAD}cpu 0 {
    switch(p); cr4.SMAP = 1; cr0.WP = 0; stac()
    map(p, 0x700000, gpa:8M, ro)
    [0x700000] = 1
  }`,
];

/** First touch of a region that has no table in any set of tables yet; then of a root. */
const freshRegion = `machine { paging 4-level, ram 16M }
  process p { 0x600000 .. 0x601000 rw user }
  process q { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    ready = 1
    [gva:0xffff888000a00000] = 1
    switch(q)
  }`;
const FRESH_REGION_TOUCH = 5;

/** Many tables through few shadow pages. */
const crowded = `machine { paging 4-level, ram 16M, shadow_pages 16 }
  process p { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    switch(p)
    for a in gva:0x40000000 .. gva:0x42800000 step 2M {
      map(p, a, frame(), rw)
      user [a] = 1
    }
    user [0x600000] = 1
  }`;

/** Many MMIO pages, each under a table of its own, through few shadow pages. */
const crowdedDevices = `machine { paging 4-level, ram 16M, shadow_pages 16 }
  process p { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    switch(p)
    for a in gva:0x40000000 .. gva:0x42800000 step 2M { map(p, a, gpa:64M, rw) }
    for a in gva:0x40000000 .. gva:0x42800000 step 2M { user x = [a] }
  }`;

/** A page of 4 MBytes, in tables of 2, both of which are filled. */
const fourMBytes = `machine { paging 32-bit, ram 16M, kernel none }
  cpu 0 {
    entry [0x1000] = pde(gpa:0, rw, large)
    entry [0x1008] = pde(gpa:8M, rw, large)
    cr4.PSE = 1
    cr3 = gpa:0x1000
    cr0.PG = 1
    [0x800000] = 1
    [0xa00000] = 2
    invlpg(0x800000)
    x = [0xa00000]
    expect x == 2
  }`;

/** Instructions that have nothing to do with memory, and what each refuses. */
const instructions = `${HEAD}global taken = 0
  on interrupt 0x40 { taken += 1; wrmsr(0x80b, 0) }
  on interrupt 0x41 { taken += 1; wrmsr(0x80b, 0) }
  on general_protection(code) { refuse }
  cpu 0 {
    switch(p)
    x = cpuid(1)
    outb(0x80, 1); outl(0x80, 1); x = inb(0x80); x = inl(0x80)
    x = rdmsr(0xc0000080); x = efer
    wrmsr(0xc0000080, x)
    x = vmcall(5); user x = vmcall(5)
    invpcid(0, 0, 0x600000); invpcid(2, 0, 0)
    invpcid(9, 0, 0)
    expect refused
    x = rdmsr(0xffff)
    expect refused
    wrmsr(0xffff, 1)
    expect refused
    wrmsr(0xc0000080, 0xffff)
    expect refused
    cli()
    ipi(0, 0x40)
    x = [direct(gpa:0x2000)]
    ipi(0, 0x41)
    x = [direct(gpa:0x2000)]
    sti()
    x = [direct(gpa:0x2000)]
    barrier both
    ipi(1, 0x40)
  }
  cpu 1 {
    barrier both
    hlt()
  }`;

/** Exits in the middle of an event's delivery, and the end of one that finds no gate. */
const throughMemory: readonly string[] = [
  `machine { paging 4-level, ram 16M, delivery memory }
  process p { 0x600000 .. 0x601000 rw user lazy }
  cpu 0 {
    switch(p)
    user [0x600000] = 1
  }`,
  'machine { paging 4-level, ram 16M, delivery memory }\ncpu 0 {\n  int(0x77)\n  expect stopped(triple_fault)\n}',
];

function machineFor(text: string, mmu: string): Machine {
  const program = compiled(text);
  const configuration = configure(program, mmu);
  if ('error' in configuration) assert.fail(configuration.error);
  return new Machine(program, configuration);
}

/** An intercept that no handler here expects. */
function interceptCr3Reads(machine: Machine): void {
  intercept(machine.processors[0]!.vmcb, SVM_EXIT.readCr0 + 3);
}

/** Gives the shadow leaf of gva:0x600000 its W from outside, while the TLB line still has none. */
function raiseRightsBehindTheTlb(machine: Machine): void {
  const { processors, memory } = machine;
  const { inspection } = processors[0]!;
  processors[0]!.walkWithoutEffects(0x600000, 0, 4);
  const { result } = inspection;
  const dirty = (1 << LONG4.dirtyBit) | (1 << LONG4.rights[0].bit);
  memory.store32(result.entryHpaLo[1]!, result.entryHpaHi[1]!, result.entryLo[1]! | dirty);
}

/** True when the statement that runs next stands on this line of the scenario, from 0. */
function isAtLine(machine: Machine, line: number): boolean {
  const { interpreter, program } = machine;
  if (!interpreter.isAtStatement(0)) return false;
  const { range } = program.statements[interpreter.statementAhead(0)]!;
  return range.file === 0 && range.line === line;
}

/** Does something to the machine the first time that it is there. */
function once(isThere: (machine: Machine) => boolean, act: (machine: Machine) => void): (machine: Machine) => void {
  let isDone = false;
  return (machine) => {
    if (isDone || !isThere(machine)) return;
    isDone = true;
    act(machine);
  };
}

/** Runs programs and pokes until every line has been met; gives what was not, and what lines changed undeclared. */
function runAll(mmu: string): { missed: readonly string[]; undeclared: readonly string[]; kinds: ReadonlyMap<string, number> } {
  const runs: WatchedRun[] = [];
  const looked = new Map<string, number>();
  let lines: readonly string[] = [];
  const watch = (text: string, onStep?: (machine: Machine) => void): void => {
    if (mmu === 'interpret' && text.includes('before mmu_lock')) return; // It fills no entry of tables that a processor walks.
    // Real-address mode, which lines that are missed would tell of.
    if (mmu === 'deprivileged' && 'error' in configure(compiled(text), mmu)) return;
    const machine = machineFor(text, mmu);
    lines = allLines(machine);
    runs.push(watchListings(machine, onStep, looked));
  };
  // Whoever makes no entries has nothing that leaves step, nor tables of its own to make when memory is short; under interpret each run is dear, too.
  const makesTables = mmu !== 'interpret';
  for (const text of [...programs, ...otherModes, ...(makesTables ? outOfStep : []), ...emulated]) watch(text);
  for (const text of starved) watch(text, once((machine) => isAtLine(machine, 5), (machine) => leaveFrames(machine, 0)));
  if (mmu === 'deprivileged') {
    for (const text of [...deprivilegedRoads, ...throughOwnTables]) watch(text);
    for (const { text, line } of [...withoutFrames, swappedStack]) watch(text, once((machine) => isAtLine(machine, line), (machine) => leaveFrames(machine, 0)));
  }
  if (mmu === 'deprivileged' || mmu.startsWith('shadow')) {
    for (const text of [crowded, crowdedDevices, fourMBytes, scenarioText('large-shadow')]) watch(text);
    watch(`${HEAD}cpu 0 {\n  switch(p)\n  user x = [0x600000]\n  y = 1\n  user [0x600000] = 1\n}`,
      once((machine) => isAtLine(machine, 5), raiseRightsBehindTheTlb));
  }
  if (mmu.startsWith('shadow')) for (const text of [...inPageTables, ...beyondEmulation.map((guest) => guest.text)]) watch(text);
  if (mmu === 'shadow-rebuild') {
    for (const { text, line } of composedWithoutFrames) watch(text, once((machine) => isAtLine(machine, line), (machine) => leaveFrames(machine, 0)));
  }
  // Frames whose writes are tracked: with a guest hypervisor.
  if (mmu === 'ept') for (const text of trackedWrites) watch(text);
  watch(slotted);
  if (makesTables) watch(goingTables);
  const isTdp = mmu === 'ept' || mmu === 'npt';
  if (isTdp) watch(changing.replace('LOG', 'wp'), once((machine) => isAtLine(machine, WRAP_AT), mapLarge));
  if (mmu === 'ept') watch(changing.replace('LOG', 'pml'), once((machine) => isAtLine(machine, FULL_AT), fillLog));
  for (const log of ['wp', 'pml']) watch(changing.replace('LOG', log), once((machine) => isAtLine(machine, WRAP_AT), comeRound));
  watch(stackOnDevice);
  if (isTdp) {
    watch(`${HEAD}cpu 0 {\n  switch(p)\n  user x = [0x600000]\n  invlpg(0x600000)\n  user x = [0x600000]\n}`,
      once((machine) => isAtLine(machine, 5), mmu === 'ept' ? misconfigure : setReservedBit));
  }
  watch(`${HEAD}cpu 0 {\n  cr0.NE = 0\n  cr4.VMXE = 1\n}`);
  watch(`${HEAD}cpu 0 {\n  cr0 = 1\n}`);
  for (const { text, starve } of hostPrograms) {
    watch(text, starve === undefined ? undefined : once((machine) => isAtLine(machine, starve.line), (machine) => leaveFrames(machine, starve.frames)));
  }
  for (const { text, line, gfn } of operandPrograms) watch(text, once((machine) => isAtLine(machine, line), (machine) => starveAt(machine, gfn)));
  if (isTdp) {
    watch(`platform { backing 2M, ram 64M }\n${HEAD}cpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  x = 1\n  user [0x600000] = 2\n}`,
      once((machine) => isAtLine(machine, 6), protectLargePage));
  }
  // The host is about to change a page that is mapped, and many that are not.
  watch(`${HEAD}cpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  x = 1\n  user x = [0x600000]\n}`, once((machine) => isAtLine(machine, 5), changeEveryPage));
  watch(instructions);
  for (const text of realModeRoads) watch(text);
  for (const text of throughMemory) watch(text);
  const isOnAmd = mmu === 'npt' || mmu === 'interpret';
  if (mmu !== 'deprivileged') watch(`${HEAD}cpu 0 {\n  sti()\n  x = cr3\n}`, once((machine) => isAtLine(machine, 3), isOnAmd ? interceptCr3Reads : waitForNmis));
  for (let frames = 0; frames < (makesTables ? 12 : 3); frames++) {
    for (const line of [FRESH_REGION_TOUCH, FRESH_REGION_TOUCH + 1]) {
      watch(freshRegion, once((machine) => isAtLine(machine, line), (machine) => leaveFrames(machine, frames)));
    }
  }
  const hits = summedHits(runs.map((run) => run.hits));
  const kinds = summedHits(runs.map((run) => run.kinds));
  console.log(hitsText(mmu, lines, hits, kinds));
  return { missed: lines.filter((line) => !hits.has(line)), undeclared: [...new Set(runs.flatMap((run) => run.undeclared))], kinds };
}

/** Kinds that no program here is about: what hypervisors here do not use, caches that are off, what `native` says of a host action, a platform without host-virtual addresses. */
const metElsewhere: readonly string[] = [
  'virtualization_exception', 'eptp_switch',
  'structure_cache_hit', 'structure_cache_fill', 'nested_tlb_hit', 'nested_tlb_fill', 'tlb_l2_hit', 'host_action_void', 'direct_slot_lookup',
];

describe('listings', function () {
  this.timeout(300_000);
  const kinds: ReadonlyMap<string, number>[] = [];
  for (const mmu of ['interpret', 'deprivileged', 'shadow-vtlb', 'shadow-rebuild', 'shadow-wp', 'shadow-unsync', 'ept', 'npt']) {
    it(`${mmu}: every line is reached by some scenario, and changes only what it declares`, () => {
      const result = runAll(mmu);
      kinds.push(result.kinds);
      assert.deepEqual(result.undeclared, []);
      assert.deepEqual(result.missed, []);
    });
  }

  // Every line of ept.vmm is met above, every one of nested.vmm by the guests of nestedListing.test.ts.
  it('nested: run as a guest the lines of ept change no more than they declare, nor do those of L0 below them', () => {
    const runs: WatchedRun[] = [];
    const looked = new Map<string, number>();
    for (const text of [...programs, ...throughMemory, slotted, changing.replace('LOG', 'wp'), instructions, stackOnDevice]) {
      runs.push(watchListings(machineFor(text, 'nested'), undefined, looked));
    }
    assert.deepEqual([...new Set(runs.flatMap((run) => run.undeclared))], []);
    const reached = [...summedHits(runs.map((run) => run.hits)).keys()];
    for (const listing of ['ept.vmm', 'nested.vmm']) assert.ok(reached.filter((each) => each.startsWith(listing)).length > 50, listing);
  });

  it('tell of events of every kind there is', () => {
    const all = summedHits(kinds);
    assert.deepEqual(eventKinds.map(({ name }) => name as string).filter((name) => (all.get(name) ?? 0) === 0), metElsewhere);
  });
});
