import { strict as assert } from 'node:assert';
import { ACTOR, SPACE } from '../../../src/hardware/events/eventTable';
import { frameInEntry, frameOfAddress } from '../../../src/hardware/memory/frameNumber';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { EPT_RIGHTS } from '../../../src/hardware/paging/accessRights';
import { TranslationSpace } from '../../../src/hardware/paging/translationSpace';
import { walk } from '../../../src/hardware/paging/walk';
import { EFFECTS, WALK, WHY } from '../../../src/hardware/paging/walkOutcome';
import type { Machine } from '../../../src/engine/machine/machine';
import { accessOf02, isDirect02, levelOf02 } from '../../../src/hypervisor/nested/ept02Role';
import { Nested } from '../../../src/hypervisor/nested/level1/nested';
import { NestingEpt } from '../../../src/hypervisor/nested/nestingEpt';
import { SlotAddressing } from '../../../src/hypervisor/slotMemory';

const ENTRIES = 512;
const RIGHTS = 7;
const WRITE_BACK_AD = 0x5e;
const WRITE_BACK = 0x1e;
const AD_DISABLED = 1 << 7;

/** What EPT12 says of a page of L2, walked without effects by a space of the audit's own. */
interface Composed {
  readonly rights: number;
  /** L1's frame; -1: EPT12 does not map it. */
  readonly gfn: number;
  readonly dirty: number;
}

/** L0's hypervisor: of the first VM, or of the one whose program we are ourselves. */
export function nestingOf(machine: Machine): NestingEpt {
  const { technique } = machine;
  const hypervisor = technique instanceof Nested ? technique.level0.nesting : technique;
  assert.ok(hypervisor instanceof NestingEpt);
  return hypervisor;
}

/** Composes EPT12 from root `rootGfn` with nothing else. */
export class Ept12 {
  private readonly space: TranslationSpace;

  constructor(hypervisor: NestingEpt) {
    const { memory, bus, maxphyaddr } = hypervisor.vm.host;
    this.space = new TranslationSpace({
      memory, bus, tableSpace: SPACE.ept, actor: ACTOR.vmm, cpu: 0, maxphyaddr, tables: new SlotAddressing(hypervisor.vm.memory, 0),
    });
  }

  /** `eptp`: low half of an EPTP of L1's below 4 GBytes. */
  at(eptp: number, l2Frame: number): Composed {
    const { space } = this;
    space.useEpt(eptp, 0);
    const { result } = space;
    // An execute-only page is mapped as well.
    const isMapped = [ACCESS.read, ACCESS.fetch].some((access) => walk(space, l2Frame << 12, 0, access, EFFECTS.none) === WALK.mapped);
    if (isMapped) return { rights: result.rights & RIGHTS, gfn: frameOfAddress(result.gpaLo, result.gpaHi), dirty: result.dirty };
    return { rights: result.why === WHY.rights ? result.rights & RIGHTS : 0, gfn: -1, dirty: 0 };
  }
}

/**
 * What EPT02 promises at any moment: a present leaf composes EPT12, slot and host page with rights not above what they grant;
 * a table of EPT12 that is shadowed can be written through no entry; reverse maps and parent lists name exactly the entries.
 */
export function auditEpt02(machine: Machine): void {
  const hypervisor = nestingOf(machine);
  const { ept02: { pages }, vm, ept02 } = hypervisor;
  const ept12 = new Ept12(hypervisor);
  const { writer, frames } = vm;
  const named = new Map<string, string>();
  const seen = new Map<string, string>();
  for (let gfn = 0; gfn < vm.memory.frames; gfn++) noteList(pages.reverseMap(gfn), `gfn ${gfn}`);
  for (let page = 1; page < pages.end; page++) if (pages.isInUse(page)) noteList(pages.parents(page), `page ${page}`);
  for (let page = 1; page < pages.end; page++) {
    if (!pages.isInUse(page)) continue;
    const role = pages.roleOf(page);
    const table = pages.frameOf(page);
    if (!isDirect02(role) && !pages.isObsolete(page)) assertProtected(pages.gfnOf(page));
    for (let index = 0; index < ENTRIES; index++) {
      if (!ept02.isPresent(page, index)) continue;
      const target = levelOf02(role) === 1 ? `gfn ${pages.leafGfn(page, index)}` : `page ${frames.detailOf(frameInEntry(writer.lo(table, index), writer.hi(table, index)))}`;
      seen.set(`${table}:${index}`, target);
    }
    if (levelOf02(role) === 4) descend(page, 4, 0, role);
  }
  for (const { guestMode, rootPage } of hypervisor.states) {
    if (guestMode === 1 && rootPage !== 0) assert.ok(pages.isInUse(rootPage) && pages.rootCount(rootPage) > 0, 'the root that a vCPU runs L2 with is gone');
  }
  assert.deepEqual([...named].sort(), [...seen].sort(), 'reverse maps and parent lists');

  function noteList(list: number, of: string): void {
    for (let link = list; link !== 0; link = pages.lists.next(link)) {
      const table = frameOfAddress(pages.lists.lo(link), pages.lists.hi(link));
      named.set(`${table}:${(pages.lists.lo(link) >>> 3) & (ENTRIES - 1)}`, of);
    }
  }

  function descend(page: number, level: number, base: number, rootRole: number, rootPage = page): void {
    const table = pages.frameOf(page);
    for (let index = 0; index < ENTRIES; index++) {
      if (!ept02.isPresent(page, index)) continue;
      const l2Frame = base + index * 2 ** (9 * (level - 1));
      if (level > 1) {
        const child = ept02.childOf(page, index);
        assert.equal(levelOf02(pages.roleOf(child)), level - 1);
        descend(child, level - 1, l2Frame, rootRole, rootPage);
        continue;
      }
      const lo = writer.lo(table, index);
      const eptp = (pages.gfnOf(rootPage) << 12) | (rootRole & AD_DISABLED ? WRITE_BACK : WRITE_BACK_AD);
      const composed = ept12.at(eptp, l2Frame);
      const where = `EPT02 of gpa:0x${(l2Frame * 4096).toString(16)} in L2`;
      assert.equal(lo & RIGHTS & ~composed.rights, 0, `${where} gives rights that EPT12 does not`);
      assert.equal(lo & RIGHTS & ~accessOf02(pages.roleOf(page)), 0, `${where} gives rights that its role does not`);
      assert.equal(pages.leafGfn(page, index), composed.gfn, `${where} maps another frame of L1's than EPT12`);
      assert.equal(frameInEntry(lo, writer.hi(table, index)), vm.memory.frameOf(composed.gfn), `${where} maps another host frame than the host`);
      if ((lo & EPT_RIGHTS.writable) !== 0) {
        assert.equal(ept02.isShadowed(composed.gfn), false, `${where} lets L2 write a shadowed table`);
        assert.equal(composed.dirty, 1, `${where} has W before the dirty flag of EPT12 is set`);
      }
    }
  }

  /** The tables of EPT01 let L1 write no shadowed table of EPT12. */
  function assertProtected(gfn: number): void {
    let table = hypervisor.roots(0)[0]!.frame;
    for (let level = 4; level > 0; level--) {
      const index = Math.floor(gfn / 2 ** (9 * (level - 1))) % ENTRIES;
      const lo = writer.lo(table, index);
      if ((lo & RIGHTS) === 0) return;
      if (level === 1 || (lo & (1 << 7)) !== 0) {
        assert.equal(lo & EPT_RIGHTS.writable, 0, `EPT01 lets L1 write the shadowed table at gpa:0x${(gfn * 4096).toString(16)}`);
        return;
      }
      table = frameInEntry(lo, writer.hi(table, index));
    }
  }
}
