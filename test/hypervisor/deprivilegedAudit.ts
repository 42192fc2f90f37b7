import { CR0, CR4, EFER, RFLAGS } from '../../src/hardware/processor/controlRegisters';
import { REGISTER } from '../../src/hardware/processor/registers';
import type { Deprivileged } from '../../src/hypervisor/deprivileged/deprivileged';
import { accessOf, hasSmapAndNotWp, hasSmepAndNotWp, isDirect, isOfGuestUser, levelOf } from '../../src/hypervisor/shadowWp/role';
import type { Machine } from '../../src/engine/machine/machine';
import { ShadowAudit } from './shadowAudit';
import { rightsOf, type Entry } from './tableWords';

const USER = 2;
const EXECUTABLE = 4;
/** U of an entry. */
const USER_BIT = 4;

/** As `auditShadow`, for a guest all of which runs at CPL 3. */
export function auditDeprivileged(machine: Machine, technique: Deprivileged): readonly string[] {
  return new DeprivilegedAudit(machine, technique).run();
}

class DeprivilegedAudit extends ShadowAudit {
  /** The processor is at CPL 3, and walks the shadow of the level that the guest believes to be at. */
  protected override roots(cpu: number): void {
    const { pages, vm } = this.technique;
    const processor = this.machine.processors[cpu]!;
    const vcpu = vm.vcpus.of(cpu);
    const { rootLo, rootHi, compiled: { levels } } = processor.inspection;
    this.equal(processor.registers[2 * REGISTER.cpl]!, 3, `CPL of CPU ${cpu}`);
    const root = processor.level === 3 ? 1 : this.isSmapSuspended(cpu) ? 2 : 0;
    const cr3 = (rootLo >>> 12) | (rootHi << 20);
    // Of four roots behind PDPTEs one may be none.
    const page = [0, 1, 2, 3].map((gbyte) => vcpu.rootPageOf(4 * root + gbyte)).find((each) => each !== 0);
    if (levels === 3) this.paeRoots(cpu, cr3, root);
    if (page === undefined) return;
    this.equal(isOfGuestUser(pages.roleOf(page)) ? 3 : 0, processor.level, `level of the guest on CPU ${cpu}, and of its root`);
    this.equal((this.machine.processors[cpu]!.visibleLo(REGISTER.cr0) & CR0.PG) !== 0 && (processor.registers[2 * REGISTER.efer]! & EFER.LMA) !== 0 ? 1 : 0, levels > 3 ? 1 : 0, `long mode of CPU ${cpu}, and levels`);
    if (levels > 3) {
      this.equal(cr3, pages.frameOf(page), `CR3 of CPU ${cpu} and the table of its root`);
      this.equal(levelOf(pages.roleOf(page)), levels, `level of the root of CPU ${cpu}`);
    }
    const isPaging = (processor.visibleLo(REGISTER.cr0) & CR0.PG) !== 0;
    const hasSmap = isPaging && (processor.visibleLo(REGISTER.cr4) & CR4.SMAP) !== 0 && !this.isSmapSuspended(cpu);
    if (processor.level === 0) this.equal(hasSmapAndNotWp(pages.roleOf(page)) ? 1 : 0, hasSmap ? 1 : 0, `SMAP of the root of CPU ${cpu}`);
  }

  private isSmapSuspended(cpu: number): boolean {
    const processor = this.machine.processors[cpu]!;
    const isPaging = (processor.visibleLo(REGISTER.cr0) & CR0.PG) !== 0;
    return isPaging && (processor.visibleLo(REGISTER.cr4) & CR4.SMAP) !== 0 && (processor.registers[2 * REGISTER.rflags]! & RFLAGS.AC) !== 0;
  }

  /** Every leaf has U; whose page it is decides in which shadow it may be. */
  protected override leafFrame(page: number, index: number, entry: Entry, at: string): number {
    const role = this.technique.pages.roleOf(page);
    if ((rightsOf(entry) & USER) === 0) this.say(`${at} has no U, and all of the guest runs at CPL 3`);
    const given = isDirect(role) ? accessOf(role) : accessOf(role) & rightsOf(this.guestEntry(page, index));
    const isUserPage = (given & USER) !== 0;
    if (isOfGuestUser(role) && !isUserPage) this.say(`${at} shows the guest's user mode a page of its kernel's`);
    if (!isOfGuestUser(role) && isUserPage && hasSmapAndNotWp(role)) this.say(`${at} lets the guest's kernel at a user page under SMAP`);
    if (!isOfGuestUser(role) && isUserPage && hasSmepAndNotWp(role) && (rightsOf(entry) & EXECUTABLE) !== 0) this.say(`${at} lets the guest's kernel fetch from a user page under SMEP`);
    return super.leafFrame(page, index, { ...entry, lo: entry.lo & ~USER_BIT }, at);
  }
}
