/** What a scenario of a guest hypervisor is made of. */
export interface NestedText {
  /** Settings of L1's machine beside paging, technique and RAM. */
  readonly machine?: string;
  readonly ram?: string;
  /** Of the machine of L2. */
  readonly l2Machine?: string;
  /** Between the VMs' CPUs. */
  readonly l2Parts?: string;
  readonly l1Parts?: string;
  readonly platform?: string;
  /** Body of L2's CPU 0; of its CPU 1. */
  readonly l2: string;
  readonly l2Second?: string;
  readonly l1: string;
  readonly l1Second?: string;
}

/** L1 with an EPT of four tables for the first 2 MBytes of L2, which are still empty. */
export function nestedScenario(text: NestedText): string {
  const { machine = '', ram = 'ram 16M', l2Machine = 'paging none, ram 64K', l2Parts = '', l1Parts = '', platform = '', l2, l2Second, l1, l1Second } = text;
  return `${platform}
vm l1 {
  machine { paging 4-level, mmu ept, ${ram}${machine} }
  ${l1Parts}
  vm l2 {
    machine { ${l2Machine}, kernel none }
    ${l2Parts}
    cpu 0 {
      ${l2}
    }
    ${l2Second === undefined ? '' : `cpu 1 {\n${l2Second}\n}`}
  }
  cpu 0 {
    root = frame()
    pdpt = frame()
    pd = frame()
    pt = frame()
    entry [direct(root)] = epte(pdpt, rwx)
    entry [direct(pdpt)] = epte(pd, rwx)
    entry [direct(pd)] = epte(pt, rwx)
    vmcs.eptp = eptp(root)
    ${l1}
  }
  ${l1Second === undefined ? '' : `cpu 1 {\n${l1Second}\n}`}
}
`;
}

/** Maps page \`page\` of L2 to a fresh frame. */
export function mapped(page: number, rights = 'rwx'): string {
  return `entry [direct(pt) + ${page} * 8] = epte(frame(), ${rights})`;
}
