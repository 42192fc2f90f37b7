import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { conformText, readVectors } from '../../src/cli/conform';

interface Line {
  readonly cpu: Record<string, unknown>;
  readonly ept?: Record<string, unknown>;
  readonly npt?: Record<string, unknown>;
  readonly memory: [string, string][];
}

/** The first vector of a file in a paging mode, changed. */
function vector(name: string, mode: string, change: (line: Line) => void): string {
  const text = readVectors(join(__dirname, `${name}.jsonl.gz`)).split('\n').find((each) => each.includes(`"paging":"${mode}"`)) ?? '';
  const line = JSON.parse(text) as Line;
  change(line);
  return JSON.stringify(line);
}

const impossible: readonly (readonly [string, string, RegExp])[] = [
  ['a MAXPHYADDR of 60', vector('native-qemu', '4-level', ({ cpu }) => { cpu['maxphyaddr'] = 60; }), /MAXPHYADDR is 36 to 52/],
  ['paging without protection', vector('native-qemu', '32-bit', ({ cpu }) => { cpu['cr0'] = '0x80000000'; }), /CR0\.PG is 1 only while CR0\.PE is 1/],
  ['long mode without PAE', vector('native-bochs', '4-level', ({ cpu }) => { cpu['cr4'] = '0x0'; }), /no paging without CR4\.PAE/],
  ['PCIDs outside long mode', vector('native-bochs', 'pae', ({ cpu }) => { cpu['cr4'] = '0x20020'; }), /CR4\.PCIDE is 1 only in long mode/],
  ['an EPTP of memory type 3', vector('ept-bochs', '4-level', ({ ept }) => { Object.assign(ept ?? {}, { eptp: '0x1b' }); }), /memory type of an EPTP/],
  ['an EPTP of 3 levels', vector('ept-bochs', '4-level', ({ ept }) => { Object.assign(ept ?? {}, { eptp: '0x16' }); }), /page-walk length of an EPTP/],
  ['a host without paging behind nested paging', vector('npt-qemu', '4-level', ({ npt }) => {
    Object.assign(npt ?? {}, { host_cr0: '0x11', host_efer: '0x1100' });
  }), /nested paging needs a host with paging/],
  ['a PDPTE that MOV to CR3 does not load', vector('native-bochs', 'pae', ({ cpu, memory }) => {
    const at = BigInt(String(cpu['cr3'])) & 0xffff_ffe0n;
    memory.splice(0, memory.length, [`0x${at.toString(16)}`, '0x3']);
  }), /a PDPTE in memory at CR3 has a reserved bit set/],
  ['a guest of SVM without EFER.SVME', vector('npt-qemu', '4-level', ({ cpu }) => { cpu['efer'] = '0xd00'; }), /VMRUN ends with VMEXIT_INVALID: EFER\.SVME is 0/],
];

describe('a vector of an impossible machine', () => {
  for (const [name, line, rule] of impossible) {
    it(`(${name}) fails at its line with the rule, and the next one runs`, () => {
      const good = vector('native-qemu', '4-level', () => undefined);
      const report = conformText('x', `${line}\n${good}\n`);
      assert.deepEqual([report.passed, report.failed, report.failures[0]?.line], [1, 1, 1]);
      assert.match(report.failures[0]?.actual ?? '', rule);
    });
  }
});
