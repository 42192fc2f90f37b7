import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { hasSmapAndNotWp, hasSmepAndNotWp, isOfGuestUser } from '../shadowWp/role';
import { Sptes } from '../shadowWp/sptes';

/**
 * Shadow entries for a guest all of which runs at CPL 3: each has U. What U says in the guest's own entries decides which shadow
 * has a page: that of its user mode has none of the kernel's; the kernel's has all, under SMEP the user's without X, and under SMAP
 * none of the user's while RFLAGS.AC is 0.
 */
export class DeprivilegedSptes extends Sptes {
  override setLeaf(page: number, index: number, frame: number, gfn: number, rights: number, _marks: number, cpu: number): void {
    const role = this.pages.roleOf(page);
    const isUserPage = (rights & PAGE_RIGHTS.user) !== 0;
    if (isOfGuestUser(role) ? !isUserPage : isUserPage && hasSmapAndNotWp(role)) return;
    const withheld = !isOfGuestUser(role) && hasSmepAndNotWp(role) && isUserPage ? PAGE_RIGHTS.executable : 0;
    super.setLeaf(page, index, frame, gfn, (rights & ~withheld) | PAGE_RIGHTS.user, 0, cpu);
  }
}
