import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { levelOf } from '../shadowWp/role';
import { Sptes } from '../shadowWp/sptes';
import type { VtlbTables } from './vtlbTables';

/** No guest frame: tables of a virtual TLB are known by linear addresses. */
const NO_GFN = 0;

/** The entries of virtual TLBs. */
export class VtlbSptes extends Sptes {
  private nextGvaLo = 0;
  private nextGvaHi = 0;

  constructor(readonly tables: VtlbTables, ...parts: ConstructorParameters<typeof Sptes>) {
    super(...parts);
    this.watcher = tables;
  }

  /** Makes a table for the linear addresses from (`gvaLo`, `gvaHi`) on, in the virtual TLB of `cpu`; 0 when host memory is used up. */
  createAt(gvaLo: number, gvaHi: number, role: number, cpu: number): number {
    this.nextGvaLo = gvaLo;
    this.nextGvaHi = gvaHi;
    return this.create(NO_GFN, role, cpu);
  }

  override report(kind: number, page: number, cpu: number): void {
    const isNew = kind === KIND.shadow_page_created;
    if (isNew) this.tables.set(page, this.nextGvaLo, this.nextGvaHi, cpu);
    const own = isNew ? KIND.vtlb_table_created : KIND.vtlb_table_zapped;
    if (!this.bus.on[own]) return;
    const record = this.bus.begin(own, ACTOR.vmm, cpu);
    const frame = this.pages.frameOf(page);
    setPair(record, field.gva.at, this.tables.gvaLo(page), this.tables.gvaHi(page));
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    record[field.level.at] = levelOf(this.pages.roleOf(page));
    record[field.index.at] = page;
    this.bus.commit();
  }
}
