/** A bug that hypervisors have had, as a change of one place in the source of ours. */
export interface Plant {
  readonly name: string;
  /** Under src/hypervisor. */
  readonly file: string;
  /** What stands there exactly once, and what the bug makes of it. */
  readonly from: string;
  readonly to: string;
  /** Techniques that it is in. */
  readonly under: readonly string[];
  /** What random programs cannot see: the file under test/ whose tests do. */
  readonly test?: string;
}

const SHADOW = ['shadow-wp', 'shadow-unsync'] as const;
const HOSTED = ['shadow-wp', 'shadow-unsync', 'ept', 'npt'] as const;
const NOTHING = 'void 0';

export const plants: readonly Plant[] = [
  {
    name: 'no write protection on a new table', file: 'shadowWp/getShadowPage.ts', under: ['shadow-wp', 'shadow-rebuild'],
    from: 'if (mmu.sptes.writeProtect(f.lo(V.gfn), mmu.cpu)) mmu.mustFlush = 1;', to: NOTHING,
  },
  {
    name: 'missing remote flush: only this CPU\'s TLB is flushed', file: 'shadowWp/shadowMmu.ts', under: SHADOW,
    from: 'for (const processor of this.processors) this.flushTlbOf(processor);', to: 'this.flushTlbOf(this.processor);',
  },
  {
    name: 'no flush behind an emulated write to a page table', file: 'shadowWp/emulatePageTableWrite.ts', under: ['shadow-wp'],
    // A guest that invalidates flushes its TLB itself; one that does not must still not reach what the host has taken since.
    test: 'hypervisor/missingInvalidation.test.ts',
    from: '(mmu) => mmu.flushRemoteTlbs()', to: '() => undefined',
  },
  {
    name: 'lost rmap entry', file: 'shadowEntries.ts', under: SHADOW,
    from: 'this.pages.setReverseMap(gfn, level, this.pages.lists.prepend(this.pages.reverseMap(gfn, level), this.addressLo(page, index), this.addressHi(page)));', to: '',
  },
  {
    name: 'role without cr0_wp', file: 'shadowWp/role.ts', under: SHADOW,
    from: 'const mode = (wp << CR0_WP) |', to: 'const mode =',
  },
  {
    name: 'role without access', file: 'shadowWp/role.ts', under: SHADOW,
    from: 'const role = mode | level | (access << ACCESS);', to: 'const role = mode | level | (7 << ACCESS);',
  },
  {
    name: 'role without quadrant', file: 'shadowWp/role.ts', under: SHADOW,
    from: '  return role | ((level === 1 ? (gvaLo >>> 21) & 1 : gvaLo >>> 30) << QUADRANT);', to: '  return role;',
  },
  {
    name: 'fragments of large pages share a table whatever their rights', file: 'shadowWp/fetch.ts', under: SHADOW,
    from: 'directRoleOf(mmu.mode, level - 1, f.lo(V.rights), result.key)', to: 'directRoleOf(mmu.mode, level - 1, ALL_RIGHTS, result.key)',
  },
  {
    name: 'W granted to a page table that is not marked unsync', file: 'shadowUnsync/tryToUnsync.ts', under: ['shadow-unsync'],
    from: 'mmu.unsync.mark(f.lo(V.sp));', to: NOTHING + ';',
  },
  {
    name: 'unsync pages that the pages above do not know of', file: 'shadowUnsync/unsyncPages.ts', under: ['shadow-unsync'],
    from: '    this.words[page * WORDS + UNSYNC] = 1;\n    this.markParents(page);', to: '    this.words[page * WORDS + UNSYNC] = 1;',
  },
  {
    name: 'INVLPG that syncs nothing of the current root', file: 'shadowUnsync/invalidations.ts', under: ['shadow-unsync'],
    from: 'f.set(V.root, -1, -1)', to: 'f.set(V.root, 0, 0)',
  },
  {
    name: 'INVLPG that syncs only the current root', file: 'shadowUnsync/invalidations.ts', under: ['shadow-unsync'], test: 'hypervisor/equivalence.test.ts',
    from: 'f.hi(I.gva), mmu.previous.most, 0)', to: 'f.hi(I.gva), CURRENT, 0)',
  },
  {
    name: 'a load of CR3 that syncs nothing', file: 'shadowUnsync/loadRoot.ts', under: ['shadow-unsync'],
    from: 'when(\'a page below root is unsync\', (mmu, f) => mmu.unsync.hasUnsyncBelow(f.lo(V.root)), [', to: 'when(\'never\', () => false, [',
  },
  {
    name: 'a page in step again without write protection', file: 'shadowUnsync/syncPages.ts', under: ['shadow-unsync'],
    from: 'if (mmu.sptes.writeProtect(mmu.pages.gfnOf(f.lo(C.sp)), mmu.cpu)) mmu.mustFlush = 1;', to: NOTHING,
  },
  {
    name: 'sync keeps an SPTE whose entry lost rights', file: 'shadowUnsync/syncPages.ts', under: ['shadow-unsync'],
    from: 'return sptes.isPresent(f.lo(S.sp), f.lo(S.index)) && !sptes', to: 'return f.lo(S.sp) < 0 && !sptes',
  },
  {
    name: 'prefetch of pages that were not accessed', file: 'shadowWp/guestLeaf.ts', under: SHADOW,
    from: ' || (lo & compiled.accessedMask) === 0', to: '',
  },
  {
    name: 'prefetch gives W to clean pages', file: 'shadowWp/guestLeaf.ts', under: SHADOW,
    from: '(lo & compiled.dirtyMask) === 0 || ', to: '',
  },
  {
    name: 'prefetch gives W to page tables', file: 'shadowWp/guestLeaf.ts', under: SHADOW,
    from: 'mmu.isProtected(this.gfn) || ', to: '',
  },
  {
    name: 'prefetch without the rights of the entries above', file: 'shadowWp/guestLeaf.ts', under: SHADOW, test: 'hypervisor/audit.test.ts',
    from: 'accessOf(role) & rightsOfEntry(compiled, lo, hi)', to: '(accessOf(role) | 7) & rightsOfEntry(compiled, lo, hi)',
  },
  {
    name: 'a read fills the SPTE of a clean page with W', file: 'shadowWp/fetch.ts', under: SHADOW,
    from: 'when(\'the guest\\\'s leaf is not dirty\', (mmu) => mmu.guest.result.dirty === 0, [', to: 'when(\'never\', () => false, [',
  },
  {
    name: 'the supervisor fetches what it may write with WP = 0, under SMEP', file: 'shadowWp/fetch.ts', under: SHADOW, test: 'hypervisor/equivalence.test.ts',
    from: '(mmu) => hasSmepOverUser(mmu)', to: '(mmu) => mmu.cpu < 0 && hasSmepOverUser(mmu)',
  },
  {
    name: 'WP = 0 by an SPTE without U, where SMAP or a key would see the difference', file: 'shadowWp/leafRights.ts', under: SHADOW,
    from: 'return isUserPage(mmu) && isReadOnly && cannotTrade || keyDisablesWrites(mmu);', to: 'return isUserPage(mmu) && isReadOnly && cannotTrade && keyDisablesWrites(mmu);',
  },
  {
    name: 'error code taken from the shadow fault', file: 'shadowWp/pageFault.ts', under: SHADOW,
    from: 'injectPageFault(mmu.processor, mmu.vcpu, f.lo(V.gva), f.hi(V.gva), mmu.guest.result.errorCode)',
    to: 'injectPageFault(mmu.processor, mmu.vcpu, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code))',
  },
  {
    name: 'the guest\'s A and D are left alone', file: 'shadowWp/pageFault.ts', under: SHADOW,
    from: 'accessOf(f.lo(V.error_code)), EFFECTS.hardware)', to: 'accessOf(f.lo(V.error_code)), EFFECTS.none)',
  },
  {
    name: 'a store across two entries is tracked in the first alone', file: 'shadowWp/trackWrite.ts', under: SHADOW, test: 'hypervisor/equivalence.test.ts',
    from: '(Math.floor((offset + f.lo(V.bytes) - 1) / entryBytes) + 1) * span - quadrant', to: '(Math.floor(offset / entryBytes) + 1) * span - quadrant',
  },
  {
    name: 'PDPTEs that stay as they were first loaded', file: 'loadPdptrs.ts', under: SHADOW,
    from: '(mmu) => mmu.vcpu.pdptes.set(mmu.guestPdptes.words)', to: '(mmu) => { if (mmu.vcpu.pdptes[0] === 0) mmu.vcpu.pdptes.set(mmu.guestPdptes.words); }',
  },
  {
    name: 'no flush behind a load of CR3', file: 'shadowWp/shadowMmu.ts', under: SHADOW,
    from: '    else this.flushTlbOf(this.processor);', to: '',
  },
  {
    name: 'the notifier takes one SPTE of several that map a frame', file: 'shadowWp/unmapGfnRange.ts', under: SHADOW,
    from: 'if (!mmu.sptes.isMapped(gfn)) continue;', to: 'if (!mmu.sptes.isMapped(gfn) || f.lo(V.zapped) > 0) continue;',
  },
  {
    name: 'an SPTE of 2 MBytes over a shadowed page table', file: 'shadowWp/fetch.ts', under: SHADOW, test: 'hypervisor/largeShadowPages.test.ts',
    from: ' && !mmu.disallowsLargePage(gfn)', to: '',
  },
  {
    name: 'the notifier leaves SPTEs of 2 MBytes', file: 'shadowEntries.ts', under: SHADOW, test: 'hypervisor/largeShadowPages.test.ts',
    from: 'return this.pages.reverseMap(gfn) !== 0 || this.pages.reverseMap(gfn, 2) !== 0;', to: 'return this.pages.reverseMap(gfn) !== 0;',
  },
  {
    name: 'an EPT entry that is zapped lets violations become exceptions', file: 'tdp/tdpMmu.ts', under: ['ept'], test: 'hypervisor/virtualizationExceptions.test.ts',
    from: 'this.write(this.actor, level, table, index, 0, this.tdp.absentHi);', to: 'this.write(this.actor, level, table, index, 0, 0);',
  },
  {
    name: 'the notifier leaves TLBs alone under shadow paging', file: 'shadowWp/unmapGfnRange.ts', under: SHADOW,
    from: '(mmu) => mmu.flushRemoteTlbs()', to: '() => undefined',
  },
  {
    name: 'the notifier leaves TLBs alone under EPT and NPT', file: 'tdp/unmapGfnRange.ts', under: ['ept', 'npt'],
    from: '(mmu) => mmu.flushRemoteTlbs()', to: '() => undefined',
  },
  {
    name: 'INVEPT on this CPU alone', file: 'ept/eptMmu.ts', under: ['ept'],
    from: '      else processor.hypervisor.invept(this.eptpLo, this.eptpHi);', to: '      else if (processor === this.processor) processor.hypervisor.invept(this.eptpLo, this.eptpHi);',
  },
  {
    name: 'TLB_CONTROL in the VMCB of this CPU alone', file: 'npt/nptMmu.ts', under: ['npt'],
    from: 'for (const processor of this.vm.processors) processor.svm.flushByTlbControl(TLB_CONTROL.guest);', to: 'this.processor.svm.flushByTlbControl(TLB_CONTROL.guest);',
  },
  {
    name: 'the shadow runs with the guest\'s NXE: a fetch that faults is taken for a read', file: 'shadowWp/guestMode.ts', under: SHADOW,
    from: '(isLong ? efer : efer & ~EFER.LME) | EFER.NXE, 0)', to: 'isLong ? efer : efer & ~EFER.LME, 0)',
  },
  {
    name: 'the notifier after the free: a page is swapped out, and the hypervisor is told later', file: 'host/reclaim.ts', under: HOSTED,
    from: 'ownerOf(host, f).notifier.rangeStart(page(f), 1, host.actor)', to: 'ownerOf(host, f).notifier.rangeStart(page(f), 0, host.actor)',
  },
  {
    name: 'the notifier after the free: a page has moved', file: 'host/migratePage.ts', under: HOSTED,
    from: 'owner(host, f).notifier.rangeStart(page(f), 1, host.actor)', to: 'owner(host, f).notifier.rangeStart(page(f), 0, host.actor)',
  },
  {
    name: 'W for a page that the host maps without it', file: 'slotMemory.ts', under: HOSTED,
    from: ' || !this.isWritable(gfn) ? 1', to: ' ? 1',
  },
  {
    name: 'dirty logging that withholds no W', file: 'tdp/tdpLeaves.ts', under: ['ept', 'npt'], test: 'hypervisor/dirtyLog.test.ts',
    from: 'this.write(this.lo & ~(this.writable | this.dirty), this.hi | MMU_WRITABLE_HI, cpu);', to: 'this.write(this.lo, this.hi | MMU_WRITABLE_HI, cpu);',
  },
  {
    name: 'the guest sees SVME in its EFER', file: 'emulatingVcpu.ts', under: ['npt'], test: 'hypervisor/equivalence.test.ts',
    from: 'registers[2 * REGISTER.efer]! & ~this.control.hiddenEfer', to: 'registers[2 * REGISTER.efer]!',
  },
  {
    name: 'VMRUN loads an old CR2', file: 'svmGuest.ts', under: ['npt'], test: 'hypervisor/equivalence.test.ts',
    from: ', [REGISTER.cr2, \'guest_cr2\'],', to: ',',
  },
  {
    name: 'PDPTEs as a MOV to CR3 has loaded them, under nested paging that reads them from memory', file: 'emulatingVcpu.ts', under: ['npt'],
    from: '    if (this.control.pdptes === \'in memory\') space.useTopEntriesInMemory();\n', to: '',
  },
  {
    name: 'a nested fault of a guest\'s page table taken for one of the final address', file: 'npt/nestedPageFault.ts', under: ['npt'], test: 'hypervisor/listings.test.ts',
    from: 'isFinal: (_, codeHi) => (codeHi & NPF_INFO_HI.finalAddress) !== 0,', to: 'isFinal: () => true,',
  },
  {
    name: 'a nested fault of a write taken for a read', file: 'npt/nestedPageFault.ts', under: ['npt'],
    from: 'writes: (code) => (code & PFEC.W) !== 0,', to: 'writes: () => false,',
  },
  {
    name: 'a rebuilt shadow that forgets nothing of the one before', file: 'shadowRebuild/loadRoot.ts', under: ['shadow-rebuild'],
    test: 'language/library/scenarios.test.ts',
    from: '  line(\'zap_orphans(): all is forgotten, but for what other vCPUs run on\', {}, (mmu) => void mmu.call(zapOrphans)),\n', to: '',
  },
  {
    name: 'a rebuilt shadow has pages that were never accessed', file: 'shadowRebuild/rebuildMmu.ts', under: ['shadow-rebuild'],
    from: 'if (this.wasAccessed(space)) {', to: 'if (this.wasAccessed(space) || next >= 0) {',
  },
  {
    name: 'a rebuilt shadow gives W to clean pages', file: 'shadowRebuild/compose.ts', under: ['shadow-rebuild'],
    from: 'const READ = 0;', to: 'const READ = 2;',
  },
  {
    name: 'a rebuilt shadow that no store to a page table changes', file: 'shadowWp/trackWrite.ts', under: ['shadow-rebuild', 'shadow-wp'],
    from: '      mmu.sptes.zap(f.lo(V.sp), f.lo(V.index), mmu.cpu);\n', to: '',
  },
  {
    name: 'a virtual TLB that keeps global pages at an INVPCID of all contexts', file: 'shadowVtlb/vtlbMmu.ts', under: ['shadow-vtlb'],
    test: 'hypervisor/equivalence.test.ts',
    from: '(all === 1 || !sptes', to: '(!sptes',
  },
  {
    name: 'a virtual TLB that INVLPG leaves alone', file: 'shadowVtlb/vtlbFlush.ts', under: ['shadow-vtlb'],
    from: '(mmu, f) => void mmu.call(vtlbFlush, f.lo(F.gva), f.hi(F.gva)))', to: '(mmu, f) => mmu.processor.invvpidAddress(f.lo(F.gva), f.hi(F.gva)))',
  },
  {
    name: 'a virtual TLB that a load of CR3 leaves alone', file: 'shadowVtlb/loadRoot.ts', under: ['shadow-vtlb'],
    from: '      ...forgetLeaves(\', without G\', V.sp, () => 0),\n', to: '',
  },
  {
    name: 'stale MMIO generation: an entry outlives the slots that it was made for, under shadow paging', file: 'shadowWp/mmioFault.ts', under: SHADOW,
    test: 'hypervisor/slots.test.ts',
    from: 'f.lo(V.generation) !== mmioGeneration(mmu.memory.slots.generation)', to: 'f.lo(V.generation) < 0',
  },
  {
    name: 'stale MMIO generation under EPT and NPT', file: 'tdp/mmioFault.ts', under: ['ept', 'npt'], test: 'hypervisor/slots.test.ts',
    from: 'f.lo(V.generation) !== mmioGeneration(mmu.memory.slots.generation)', to: 'f.lo(V.generation) < 0',
  },
  {
    name: 'MMIO entries that are left when the generation comes round', file: 'slotListing.ts', under: HOSTED, test: 'hypervisor/slots.test.ts',
    from: 'mmioGeneration(keeper.slots.generation) === 0', to: 'keeper.slots.generation < 0',
  },
  {
    name: 'an interpreted access of user mode is walked as the kernel\'s', file: 'interpret/handleExit.ts', under: ['interpret'],
    from: 'accessOf: ({ processor: { vmcb } }) => vmcb[VMCB.exitinfo1]!,', to: 'accessOf: ({ processor: { vmcb } }) => vmcb[VMCB.exitinfo1]! & ~4,',
  },
  {
    name: 'an interpreted store is walked as a load', file: 'interpret/handleExit.ts', under: ['interpret'],
    from: 'accessOf: ({ processor: { vmcb } }) => vmcb[VMCB.exitinfo1]!,', to: 'accessOf: ({ processor: { vmcb } }) => vmcb[VMCB.exitinfo1]! & ~1,',
  },
  {
    name: 'an emulated operand whose second page nobody looks at', file: 'accessEmulation.ts', under: ['interpret'],
    from: 'if (seen > 1 || !operand.crosses) return false;', to: 'return false;',
  },
  {
    name: 'the shadow for the guest\'s user mode has its kernel\'s pages, at CPL 3 as all else', file: 'deprivileged/deprivilegedSptes.ts', under: ['deprivileged'],
    from: 'isOfGuestUser(role) ? !isUserPage : isUserPage && hasSmapAndNotWp(role)', to: '!isOfGuestUser(role) && isUserPage && hasSmapAndNotWp(role)',
  },
  {
    name: 'a deprivileged kernel\'s page faults say user mode', file: 'deprivileged/handleTrap.ts', under: ['deprivileged'],
    from: '(mmu.privilege.level === USER_LEVEL ? PFEC.U : 0)', to: 'PFEC.U',
  },
  {
    // No stale line is any use to a guest whose stores to tables trap: it is the TLB alone that tells.
    name: 'INVLPG leaves the lines of a deprivileged guest\'s user mode', file: 'deprivileged/deprivilegedMmu.ts', under: ['deprivileged'],
    test: 'hypervisor/shadowScenarios.test.ts',
    from: 'new Set(this.roots.map((root) => this.pcidOf(root)))', to: '[this.pcidOf(this.root)]',
  },
  {
    name: 'EPT02 keeps what it made of an entry of EPT12 that L1 has changed', file: 'nested/trackWrite02.ts', under: ['nested'],
    from: '            mmu.ept02.zap(f.lo(V.sp), f.lo(V.index), mmu.cpu);\n            mmu.mustFlush = 1;', to: '            mmu.mustFlush = 1;',
  },
  {
    name: 'EPT02 gives rights that EPT12 does not', file: 'nested/fetch02.ts', under: ['nested'], test: 'hypervisor/nested/randomEpt12.test.ts',
    from: 'f.set(V.rights, mmu.lastWalk.rights & ALL_RIGHTS, 0)', to: 'f.set(V.rights, ALL_RIGHTS, 0)',
  },
  {
    name: 'an exit to L1 leaves L2\'s old CR3 in vmcs12', file: 'nested/vmcs02.ts', under: ['nested'],
    from: 'if (at === VMCS.vmcs_link_pointer || at === VMCS.pml_index) continue;', to: 'if (at === VMCS.vmcs_link_pointer || at === VMCS.pml_index || at === VMCS.guest_cr3) continue;',
  },
  {
    name: 'an SPTE that goes when its neighbour is filled, while the TLB has it still', file: 'shadowWp/sptes.ts', under: SHADOW, test: 'hypervisor/efficiency.test.ts',
    from: 'this.writeLeaf(page, index, gfn - within, this.maker.lo, this.maker.hi, cpu);',
    to: 'this.writeLeaf(page, index, gfn - within, this.maker.lo, this.maker.hi, cpu); if (isSmall) this.zap(page, index ^ 1, cpu);',
  },
  {
    name: 'an EPT entry that goes when its neighbour is filled, while the TLB has it still', file: 'tdp/tdpMmu.ts', under: ['ept', 'npt'], test: 'hypervisor/efficiency.test.ts',
    from: 'this.write(this.cpu, level, table, index, maker.lo, maker.hi);',
    to: 'this.write(this.cpu, level, table, index, maker.lo, maker.hi); if (level === 1) this.write(this.cpu, level, table, index ^ 1, 0, tdp.absentHi);',
  },
];
