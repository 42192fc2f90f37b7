import { entryAddress } from './allowedTranslations';

/*
 * Two address spaces with three page tables each, which share the kernel's part, and two EPTs behind them. All of it
 * below 16 MBytes, one to one behind EPT; pages lie in four guest-physical frames and a large page.
 */
export const P = 1n;
export const RW = 2n;
export const US = 4n;
export const PS = 1n << 7n;
export const G = 1n << 8n;
const XD = 1n << 63n;
export const OPEN = P | RW | US;
export const EPT_OPEN = 7n;
export const WB = 6n << 3n;

export const ROOTS = [0x10_0000n, 0x11_0000n];
export const PCIDS = [0, 1, 2];
export const EPT_ROOTS = [0x80_0000n, 0x90_0000n];
export const KERNEL = 0xffff_8000_0000_0000n;
export const USER_PAGES = [0x60_0000n, 0x60_1000n, 0x80_0000n, 0x80_1000n];
const KERNEL_PAGES = [KERNEL, KERNEL + 0x1000n];
export const PAGES = [...USER_PAGES, ...KERNEL_PAGES];
export const DESCRIPTOR = KERNEL + 0x5000n;
export const DESCRIPTOR_AT = 0x50_0000n;
export const GPAS = [0x1000_0000n, 0x1000_1000n, 0x1000_2000n, 0x1000_3000n];
export const LARGE = 0x1020_0000n;
export const HPAS = [0x2000_0000n, 0x2000_1000n, 0x2000_2000n];
export const spaceTables = (space: number): { pdpt: bigint; pd: bigint; pts: readonly bigint[] } => {
  const base = 0x20_0000n + BigInt(space) * 0x10_0000n;
  return { pdpt: base, pd: base + 0x1000n, pts: [base + 0x2000n, base + 0x3000n, base + 0x4000n] };
};
export const KERNEL_TABLES = [0x40_0000n, 0x40_1000n, 0x40_2000n] as const;
export const pteFlags = [P | RW | US, P | US, P | RW, P, P | RW | US | XD, 0n];
export const upperFlags = [OPEN, P | US, P | RW, OPEN | XD];

export const eptPde = (root: bigint): bigint => root + 0x2000n + (GPAS[0]! >> 21n) * 8n;
export const eptPte = (root: bigint, gpa: bigint): bigint => root + 0x3000n + ((gpa >> 12n) & 0x1ffn) * 8n;

/** Writes all tables in an open state. */
export function writeTables(write: (address: bigint, value: bigint) => void): void {
  for (const space of [0, 1]) writeSpace(write, space);
  write(entryAddress(KERNEL_TABLES[0], KERNEL, 3), KERNEL_TABLES[1] | OPEN);
  write(entryAddress(KERNEL_TABLES[1], KERNEL, 2), KERNEL_TABLES[2] | OPEN);
  KERNEL_PAGES.forEach((page, index) => write(entryAddress(KERNEL_TABLES[2], page, 1), GPAS[index]! | P | RW | G));
  write(entryAddress(KERNEL_TABLES[2], DESCRIPTOR, 1), DESCRIPTOR_AT | P | RW);
  for (const root of EPT_ROOTS) {
    write(root, (root + 0x1000n) | EPT_OPEN);
    write(root + 0x1000n, (root + 0x2000n) | EPT_OPEN);
    for (let n = 0n; n < 8n; n++) write(root + 0x2000n + 8n * n, (n << 21n) | EPT_OPEN | WB | PS);
    write(eptPde(root), (root + 0x3000n) | EPT_OPEN);
    write(eptPde(root) + 8n, LARGE | EPT_OPEN | WB | PS);
    GPAS.forEach((gpa, n) => write(eptPte(root, gpa), HPAS[n % HPAS.length]! | EPT_OPEN | WB));
  }
}

function writeSpace(write: (address: bigint, value: bigint) => void, space: number): void {
  const { pdpt, pd, pts } = spaceTables(space);
  write(entryAddress(ROOTS[space]!, 0n, 4), pdpt | OPEN);
  write(entryAddress(ROOTS[space]!, KERNEL, 4), KERNEL_TABLES[0] | OPEN);
  write(entryAddress(pdpt, 0n, 3), pd | OPEN);
  USER_PAGES.forEach((page, index) => {
    write(entryAddress(pd, page, 2), pts[index >> 1]! | OPEN);
    pts.forEach((pt, n) => write(entryAddress(pt, page, 1), GPAS[(index + n + space) % GPAS.length]! | OPEN));
  });
}
