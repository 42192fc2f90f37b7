import fc from 'fast-check';

const HEAD = `machine { paging none, ram 16M, delivery DELIVERY, unrestricted_guest UNRESTRICTED }
global taken = 0
on interrupt 0x40 { taken += 1 }
on interrupt 0x41 { taken += 16 }
on interrupt 0x42 { taken += 256; wrmsr(0x80b, 0) }
on general_protection(code) { refuse }
`;

/** Where the guests keep their page directory, and what it maps by one 4-MByte page. */
const TABLES = 'dword [0x3000] = 0x83; dword [0x3004] = 0x4000a3';

/** What a guest in real-address mode may do, each with no need of the others. */
const steps = [
  'dword [0x5000] += 3', 'byte [0x4ffff] = 7', 'x = dword [0x123:0x45]', 'dword [0x9ffffe] = 0x11223344', 'x = dword [0x2000000]',
  'int(0x40)', 'int(0x41)', 'word [0x100] = word [0x104]', 'word [0x104] = 0x410', 'ss = 0x900', 'es = 0x123', 'ds = 0x77', 'x = es + ss + ds',
  'x = cr0; dword [0x6000] = x', 'cr3 = gpa:0x3000', 'x = cr3; dword [0x6004] = x', 'cr2 = 0x1234; x = cr2; dword [0x6008] = x',
  'cr4.PSE = 1', 'x = cr4; dword [0x600c] = x', 'x = rdmsr(0xc0000080); dword [0x6010] = x', 'wrmsr(0xc0000080, 0x800)', 'x = rdmsr(0x123)\n  expect refused',
  'wrmsr(0x80b, 0)', 'outb(0x80, 5)', 'x = inb(0x81); dword [0x6014] = x', 'stac()', 'clac()', 'x = rflags.AC; dword [0x6018] = x', 'invlpg(0x5000)',
  'cli()', 'sti()', 'ipi(0, 0x42)', 'x = taken; dword [0x601c] = x',
  // Through protected mode, and through paging with one 4-MByte page.
  'cr0.PE = 1; dword [0x5004] += 1; cr0.PE = 0',
  `cr4.PSE = 1; cr3 = gpa:0x3000; ${TABLES}; cr0 = 0x80000031; dword [0x5008] += 1; dword [0x400000] += 1; x = cr3; cr3 = gpa:0x3000; cr0 = 0x30`,
] as const;

/** Guests in real-address mode, in what goes for it: virtual-8086 mode wherever the processor has nothing better. */
export const realModeGuests = fc.tuple(
  fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 14 }), fc.constantFrom('direct', 'memory'), fc.constantFrom('on', 'off'),
).map(([chosen, delivery, unrestricted]) => (
  `${HEAD.replace('DELIVERY', delivery).replace('UNRESTRICTED', unrestricted)}cpu 0 {\n  ${chosen.join('\n  ')}\n}\n`
));

/** One with all of it, and those that end in what virtual-8086 mode cannot have, or is short of. */
export const realModeRoads: readonly string[] = ['on', 'off'].flatMap((unrestricted) => [
  `${HEAD.replace('DELIVERY', 'memory').replace('UNRESTRICTED', unrestricted)}cpu 0 {\n  ${steps.join('\n  ')}\n  x = efer\n  efer = 0\n  cli()\n  ipi(0, 0x42)\n  dword [0x5000] = 1\n  sti()\n  hlt()\n}\n`,
  // A stack without room: #SS, which is the guest's own.
  `${HEAD.replace('DELIVERY', 'memory').replace('UNRESTRICTED', unrestricted)}cpu 0 {\n  rsp = 1\n  int(0x40)\n}\n`,
  `machine { paging 32-bit, ram 16M, kernel none, unrestricted_guest ${unrestricted} }\ncpu 0 {\n  cr0.PE = 0\n}\n`,
]);
