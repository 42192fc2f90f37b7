import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Timeline } from '../../src/engine/time/timeline';
import { type EventName, KIND } from '../../src/hardware/events/eventTable';
import { launched, move, oneTouch, runTo, stateOf, touchedSince } from './stoppedScenario';
import { machineScopes } from '../../src/inspect/machineScopes';
import { list, rowAt, rowsText, scopeRows } from './rowsText';

const shipped = (name: string): string => readFileSync(join(__dirname, '..', '..', 'scenarios', name), 'utf8');

/** After the first store of the scenario. */
function stored(mmu: string): Timeline {
  const timeline = launched(oneTouch, mmu);
  runTo(timeline, 'done = 1');
  return timeline;
}

describe('shadow pages, as the hypervisor keeps them', () => {
  it('tell the guest table they stand for, their role by KVM\'s names, and the entry that leads to them', () => {
    const timeline = stored('shadow-wp');
    const hypervisor = scopeRows(timeline, 'Hypervisor');
    const pages = list(rowAt(hypervisor, 'shadow pages').below!);
    assert.equal(rowAt(hypervisor, 'shadow pages').value, `${pages.length} of at most 1000`);
    // p's PML4 is at gpa:0x100000, and the page table of 0x600000 is the last of the three made below it.
    const root = pages.find(({ value }) => value.startsWith('gpa:0x100000,'))!;
    assert.equal(root.value, 'gpa:0x100000, level 4, access WUX, root of 1 CPU');
    assert.equal(rowAt(root.below!, 'parents').value, 'none');
    const table = pages.find(({ value }) => value.startsWith('gpa:0x104000,'))!;
    assert.equal(table.value, 'gpa:0x104000, level 1, access WUX');
    const role = list(rowAt(table.below!, 'role').below!).map(({ name, value }) => `${name} ${value}`);
    assert.deepEqual(role, [
      'level 1', 'access WUX', 'direct 0', 'cr0_wp 1', 'smep_andnot_wp 0', 'smap_andnot_wp 0', 'efer_nx 1', 'key 0',
      'has_4_byte_gpte 0', 'quadrant 0', 'cr4_pse 0', 'cr4_pae 0', 'keys_andnot_wp 0',
    ]);
    const parent = rowAt(table.below!, 'parents', '[0]').value;
    assert.match(parent, /^hpa:0x[0-9a-f]+018 PDE 3 of shadow page \d+: P RW US A → hpa:0x/);
    assert.ok(parent.endsWith(rowAt(table.below!, 'table').value), 'the entry leads to the table');
    assert.match(rowAt(table.below!, 'hash').value, /^bucket 5: shadow pages? .*\d/, '0x104 ^ 0x1 in 256 buckets');
  });

  it('have on a reverse map each leaf that maps a guest frame, as it stands', () => {
    const hypervisor = scopeRows(stored('shadow-wp'), 'Hypervisor');
    const data = rowAt(hypervisor, 'reverse maps', 'gpa:0x101000');
    assert.equal(data.value, '1 entry');
    assert.match(rowAt(data.below!, '[0]').value, /^hpa:0x[0-9a-f]+000 PTE 0 of shadow page \d+: P RW US XD A D → hpa:0x[0-9a-f]+000$/);
    const table = rowAt(hypervisor, 'reverse maps', 'gpa:0x104000', '[0]').value;
    assert.doesNotMatch(table, / RW /, 'the guest writes its table through an entry without W');
  });

  it('that have left step with their tables say so', () => {
    const timeline = launched(shipped('unsync.guest'), 'shadow-unsync');
    toEventAnywhere(timeline, 'shadow_page_unsynced');
    move(timeline, 'event');
    const pages = list(rowAt(scopeRows(timeline, 'Hypervisor'), 'shadow pages').below!);
    const unsync = pages.filter(({ value }) => value.endsWith(', unsync'));
    assert.equal(unsync.length, 1);
    assert.match(rowAt(unsync[0]!.below!, 'unsync').value, /^1 /);
    assert.ok(pages.some(({ value }) => value.endsWith('unsync children')));
  });

  it('are none under EPT, and nothing of the hypervisor is there under native', () => {
    const names = list(scopeRows(stored('ept'), 'Hypervisor')).map(({ name }) => name);
    assert.deepEqual(names, ['last VM exit', 'VMCS', 'memory slots', 'mmu_invalidate_seq']);
    const native = stored('native');
    for (const scope of ['VM Exit', 'Hypervisor', 'Host']) assert.throws(() => scopeRows(native, scope), /there is no scope/);
  });
});

describe('a hypervisor that is a guest', () => {
  it('has three VMCSs, by KVM\'s names, and the shadow pages of its EPT are L0\'s', () => {
    const timeline = stored('nested');
    const hypervisor = scopeRows(timeline, 'Hypervisor');
    assert.deepEqual(list(hypervisor).slice(1, 5).map(({ name, value }) => `${name}: ${value}`), [
      'is_guest_mode: 1  the CPU runs L2',
      'vmcs02: by which L0 runs L2: made of vmcs01 and vmcs12',
      'vmcs12: L1\'s for L2, in L1\'s memory at gpa:0x40000',
      'vmcs01: by which L0 runs L1, kept while L2 runs',
    ]);
    const eptp = (name: string): string => rowAt(hypervisor, name, 'control fields', 'eptp').value;
    assert.equal(new Set(['vmcs01', 'vmcs12', 'vmcs02'].map(eptp)).size, 3, 'EPT01, EPT12 and EPT02');
    const root = list(rowAt(hypervisor, 'shadow pages (EPT02)').below!).find(({ value }) => value.endsWith('root of 1 CPU'))!;
    assert.ok(eptp('vmcs02').startsWith(rowAt(root.below!, 'table').value), 'EPTP of vmcs02 is the shadow');
    assert.equal(eptp('vmcs12').split(' ')[0], rowAt(root.below!, 'gfn').value, 'of the table that EPTP of vmcs12 is');
  });

  it('is L1 while its handler runs: vmcs02 is not there then', () => {
    const timeline = launched(oneTouch, 'nested');
    runTo(timeline, 'user [0x600000] = 1');
    for (const kind of ['nested_vm_exit', 'vm_exit'] as const) toEventAnywhere(timeline, kind);
    const before = stateOf(timeline);
    const names = list(scopeRows(timeline, 'Hypervisor')).map(({ name }) => name);
    for (const scope of machineScopes(timeline, 0)) rowsText(scope.rows);
    assert.deepEqual(touchedSince(timeline, before), []);
    assert.ok(names.includes('vmcs12') && names.includes('vmcs01') && !names.includes('vmcs02'), names.join());
  });
});

describe('what a processor caches', () => {
  it('of a store under EPT is a combined mapping, tagged by VPID and EPT root', () => {
    const timeline = stored('ept');
    const eptp = rowAt(scopeRows(timeline, 'Hypervisor'), 'VMCS', 'control fields', 'eptp').value.split(' ')[0]!;
    const lines = list(rowAt(scopeRows(timeline, 'TLB'), 'L1 TLB').below!).map(({ value }) => value);
    const line = lines.find((each) => each.startsWith('gva:0x600000 4K → hpa:'))!;
    assert.match(line, /, writable user, second level: readable writable executable, dirty, combined mapping, VPID 1, PCID 0, root /);
    assert.ok(line.includes(`root ${eptp}`));
  });

  it('of a store without a hypervisor is a linear mapping', () => {
    const line = rowAt(scopeRows(stored('native'), 'TLB'), 'L1 TLB', /./).value;
    assert.match(line, /linear mapping, VPID 0, PCID 0, /);
  });
});

describe('memory slots and host frames', () => {
  it('of a slot that is logged tell its flags, and the pages that were written', () => {
    const timeline = launched(shipped('dirty-log.guest'), 'ept');
    toEventAnywhere(timeline, 'page_marked_dirty');
    move(timeline, 'event');
    const slot = rowAt(scopeRows(timeline, 'Hypervisor'), 'memory slots', 'slot 0');
    assert.match(slot.value, /^gpa:0x0 \d+M → hva:0x7f0000000000, KVM_MEM_LOG_DIRTY_PAGES$/);
    assert.match(rowAt(slot.below!, 'dirty_bitmap').value, /^1 page written since the log was asked for, noticed by write faults$/);
  });

  it('add up: what is in use and what is free is what is installed', () => {
    const host = scopeRows(stored('ept'), 'Host');
    const used = rowAt(host, 'frames in use');
    const uses = ['guest pages', 'host tables', 'EPT tables'].map((use) => parseInt(rowAt(host, use).value, 10));
    assert.equal(Number(used.value), uses.reduce((sum, each) => sum + each, 0));
    assert.equal(list(used.below!).length, Number(used.value));
    const data = list(used.below!).find(({ value }) => value.endsWith('gpa:0x101000'))!;
    assert.equal(data.value, 'guest page, mapped hva:0x7f0000101000 writable, gpa:0x101000');
  });

  it('of merged pages name every page that maps them, of each VM, without W', () => {
    const timeline = launched(shipped('ksm-share.guest'), 'ept');
    toEventAnywhere(timeline, 'frame_freed');
    move(timeline, 'event');
    const text = rowsText(rowAt(scopeRows(timeline, 'Host'), 'frames in use').below!);
    assert.match(text, /guest page[^\n]*, shared, mapped 2 times\n {2}\[0\] = (\w+)\.hva:0x[0-9a-f]+ read-only, \1\.gpa:0x[0-9a-f]+\n {2}\[1\] = (\w+)\.hva/);
  });

  it('tell what has gone to the swap device', () => {
    const timeline = launched(shipped('host-swap.guest'), 'ept');
    toEventAnywhere(timeline, 'swap_written');
    const host = (): ReturnType<typeof scopeRows> => scopeRows(timeline, 'Host');
    for (let i = 0; i < 50 && rowAt(host(), 'swap device').value.startsWith('0 '); i++) move(timeline, 'event');
    assert.match(rowAt(host(), 'swap device').value, /^1 of \d+ pages in use$/);
    assert.match(rowAt(host(), 'swap device', 'page 1').value, /^hpa:0x[0-9a-f]+ named by 1 host page-table entry$/);
  });
});

/** Runs on to the first event of that kind. */
function toEventAnywhere(timeline: Timeline, kind: EventName): void {
  timeline.setEventBreakpoints([{ id: 1, kinds: [KIND[kind]], matches: () => true }]);
  assert.equal(move(timeline, 'continue').kind, 'event', `no event ${kind} comes`);
  timeline.setEventBreakpoints([]);
}
