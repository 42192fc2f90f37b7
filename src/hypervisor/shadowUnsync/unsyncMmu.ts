import { isDirect, levelOf } from '../shadowWp/role';
import { ShadowMmu } from '../shadowWp/shadowMmu';
import type { PreviousRoots } from './previousRoots';
import type { UnsyncPages } from './unsyncPages';

/** What the settings say. */
export interface UnsyncPolicy {
  /** SPTEs of an aligned group that are filled with one of them; 0: none but that one. */
  readonly prefetch: number;
  /** Writes to a table above the last level without a use between, at which its shadow page goes. */
  readonly floodLimit: number;
}

/** What the listing of shadow-unsync works on. */
export class UnsyncMmu extends ShadowMmu {
  constructor(
    readonly unsync: UnsyncPages,
    readonly previous: PreviousRoots,
    readonly policy: UnsyncPolicy,
    ...parts: ConstructorParameters<typeof ShadowMmu>
  ) {
    super(...parts);
  }

  /** Tables above the last level are write-protected for good, those of the last level while they are in sync. */
  override isProtected(gfn: number): boolean {
    return this.someTable(gfn, (page) => !this.unsync.isUnsync(page));
  }

  /** `gfn` holds a shadowed table above the last level: KVM's kvm_gfn_is_write_tracked. */
  isTracked(gfn: number): boolean {
    return this.someTable(gfn, (page) => levelOf(this.pages.roleOf(page)) > 1);
  }

  /** The first shadow page of a guest table in `gfn` after `page` (0: the first) of which `is` holds; 0: none. */
  nextTable(gfn: number, page: number, is: (page: number) => boolean): number {
    let next = page;
    do next = this.pages.nextOf(gfn, next);
    while (next !== 0 && (isDirect(this.pages.roleOf(next)) || !is(next)));
    return next;
  }

  private someTable(gfn: number, is: (page: number) => boolean): boolean {
    return this.nextTable(gfn, 0, is) !== 0;
  }
}
