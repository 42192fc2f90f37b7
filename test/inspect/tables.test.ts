import { strict as assert } from 'node:assert';
import { tables } from '../../src/inspect/tables';
import { answer, launched, nodesOf, runTo, wholeTree } from './stoppedScenario';

const SCENARIO = `
machine { paging 4-level, ram 16M }
process p {
  0x600000 .. 0x602000  rw user
  0x602000 .. 0x603000  ro user
}
process q { 0x600000 .. 0x601000  rw user }
cpu 0 {
  early = 1
  switch(p)
  user [0x600000] = 1
  user [0x600000] = 2
  entry [pte_at(p, 0x602000)] |= bit(51)
  done = 1
}
`;

const NESTED = `
vm l1 {
  machine { paging 4-level, ram 16M, mmu ept }
  vm l2 {
    machine { paging 4-level, ram 1M, kernel none }
    cpu 0 { hlt() }
  }
  cpu 0 {
    root = frame()
    vmcs.eptp = eptp(root)
    reason = vmlaunch(l2)
  }
}
`;

describe('table trees', () => {
  it('list CR3 as the guest sees it first, then the processes by name', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    runTo(timeline, 'early = 1');
    const [p, q] = ['gpa:0x100000', 'gpa:0x101000'];
    assert.deepEqual(nodesOf(timeline, 'guest').map(({ label, root }) => [label, root]), [
      ['CR3 gpa:0x1000', 'gpa:0x1000'], [`process p ${p}`, p], [`process q ${q}`, q],
    ]);
    runTo(timeline, '[0x600000] = 1');
    assert.deepEqual(nodesOf(timeline, 'guest').map(({ label }) => label), [`CR3 ${p} (process p)`, `process q ${q}`]);
    assert.match(nodesOf(timeline, 'guest')[0]!.tooltip, /switches to process p/);
  });

  it('list the entries that are not zero, decoded, with the address and range of each', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    runTo(timeline, '[0x600000] = 2');
    const root = nodesOf(timeline, 'guest')[0]!.root;
    const top = nodesOf(timeline, 'guest', root, []);
    assert.deepEqual(top.map(({ label }) => label), ['PML4E 0', 'PML4E 273']);
    const [low, high] = top;
    assert.equal(low!.description, 'P RW US A → gpa:0x103000');
    assert.equal(high!.from, 'gva:0xffff888000000000', 'the direct map lies in the upper half: sign-extended');
    assert.equal(high!.address, 'gpa:0x100888');
    assert.equal(high!.size, '0x8000000000');
    const [page] = nodesOf(timeline, 'guest', root, [0, 0, 3]);
    assert.equal(page!.id, `guest/${root}/0/0/3/0`);
    assert.equal(page!.label, 'PTE 0');
    assert.equal(page!.description, 'P RW US XD A D → gpa:0x102000');
    assert.equal(page!.from, 'gva:0x600000');
    assert.equal(page!.hasChildren, false);
    assert.deepEqual(page!.fields.map(({ name }) => name), ['P', 'RW', 'US', 'XD', 'A', 'D', 'G', 'PWT', 'PCD', 'PAT', 'key', 'frame']);
  });

  it('do not descend below an entry that maps a large page', () => {
    const timeline = launched(SCENARIO, 'native');
    runTo(timeline, '[0x600000] = 2');
    const root = nodesOf(timeline, 'guest')[0]!.root;
    const large = nodesOf(timeline, 'guest', root, [273, 0])[1]!;
    assert.equal(large.description, 'P RW XD A D PS → gpa:0x200000');
    assert.equal(large.size, '0x200000');
    assert.equal(large.hasChildren, false);
    assert.equal(answer(timeline, 'guest', root, [273, 0, 1]).message, 'PDE 1 leads to no table at this moment.');
  });

  it('tell of a shadow page which guest frame and role it stands for, and of a leaf what it backs', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    runTo(timeline, '[0x600000] = 2');
    const root = nodesOf(timeline, 'shadow')[0]!;
    assert.match(root.label, /^shadow root of gpa:0x100000 \(CR3\)$/);
    assert.match(nodesOf(timeline, 'shadow', root.root, [])[0]!.tooltip, /for guest frame gpa:0x103000, role level 3 access WUX cr0_wp efer_nx\./);
    const leaf = nodesOf(timeline, 'shadow', root.root, [0, 0, 3])[0]!;
    assert.match(leaf.tooltip, /^Maps 4K from gva:0x600000 on to (hpa:0x[0-9a-f]+)\..* \1 backs gpa:0x102000\./);
  });

  it('name EPT entries as EPT entries and translate guest-physical addresses', () => {
    const timeline = launched(SCENARIO, 'ept');
    runTo(timeline, '[0x600000] = 2');
    const { root } = nodesOf(timeline, 'ept')[0]!;
    const leaves = nodesOf(timeline, 'ept', root, [0, 0, 0]);
    const leaf = leaves.find(({ label }) => label === 'EPT PTE 258')!;
    assert.equal(leaf.from, 'gpa:0x102000');
    assert.match(leaf.description, /^R W X A D WB → hpa:0x[0-9a-f]+$/);
  });

  it('show the VMM process\'s page table as host-virtual addresses to host-physical ones', () => {
    const timeline = launched(SCENARIO, 'ept');
    runTo(timeline, '[0x600000] = 2');
    const leaf = wholeTree(timeline, 'host').find(({ from }) => from === 'hva:0x7f0000102000')!;
    assert.match(leaf.tooltip, /backs gpa:0x102000\./);
  });

  it('say in a sentence when a technique keeps no such tables', () => {
    const messages = (['native', 'shadow-wp', 'ept'] as const).map((mmu) => {
      const timeline = launched(SCENARIO, mmu);
      return [answer(timeline, 'shadow').message, answer(timeline, 'ept').message, answer(timeline, 'host').message];
    });
    assert.deepEqual(messages, [
      [
        'Shadow page tables are not used by native: it keeps no tables beside the guest\'s own.',
        'EPT is not used by native: it keeps no tables beside the guest\'s own.',
        'There is no host process under native: guest-physical addresses are host-physical ones.',
      ],
      [undefined, 'EPT is not used by shadow-wp: it keeps shadow page tables.', undefined],
      ['Shadow page tables are not used by ept: it keeps EPT.', undefined, undefined],
    ]);
  });

  it('say so once of a nested guest and the VM around it: the technique below both keeps what there is', () => {
    const timeline = launched(NESTED, 'ept');
    runTo(timeline, 'vmcs.eptp = eptp(root)');
    assert.equal(answer(timeline, 'shadow').message, 'Shadow page tables are not used by ept: it keeps EPT.');
  });

  it('tell which rule an entry breaks', () => {
    const timeline = launched(SCENARIO, 'native');
    runTo(timeline, 'done = 1');
    const { root } = nodesOf(timeline, 'guest')[0]!;
    const broken = nodesOf(timeline, 'guest', root, [0, 0, 3])[2]!;
    assert.match(broken.description, /, reserved: an address bit above MAXPHYADDR$/);
    assert.match(broken.tooltip, /ends in a page fault with the reserved flag/);
  });

  it('refuse arguments that make no sense, and answer those that are only out of date', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    runTo(timeline, '[0x600000] = 2');
    const { root } = nodesOf(timeline, 'guest')[0]!;
    const errors = [
      tables(timeline, { space: 'guest', root: 'hpa:0x1000' }),
      tables(timeline, { space: 'guest', root, path: [512] }),
      tables(timeline, { space: 'guest', root, path: [0, 0, 3, 0] }),
    ];
    for (const error of errors) assert.ok('error' in error);
    assert.equal(answer(timeline, 'guest', 'gpa:0x777000').message, 'gpa:0x777000 is not a root of the guest tables at this moment.');
  });
});
