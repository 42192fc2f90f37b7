import {
  COPIES, LARGE_AREA, OWN_AREA, PROCESS_BITS, SHARED_AREA, TABLE, hex, rootOf, type Mode,
} from './raceFreeLayout';

const { COPY, PROMISED, PRESENT_RW_USER } = PROCESS_BITS;

/** The guest's handlers: a promised page is mapped at its first touch, one that is marked is copied at its first write. */
export function raceFreeHandlers(mode: Mode, forgetAll: readonly string[]): string {
  const mask = (1 << mode.indexBits) - 1;
  return `/// A fault may be over by the time it is handled, so each fault of an access, by its page and code, is looked into only when it comes
/// back: a page whose rights were raised faults where a TLB has it from before, and changes nothing of what becomes of the next page.
on page_fault(gva address, code) {
  fault = address & 0xfffff000 | code
  if edi != fault {
    edi = fault
    return
  }
  if code & 8 or address < ${hex(OWN_AREA)} or address >= ${hex(LARGE_AREA)} { refuse }
  table_page = ${hex(TABLE.shared)}
  if address < ${hex(SHARED_AREA)} {
    table_page = ${hex(TABLE.own.p)}
    if cr3 >> 12 == ${hex(rootOf('q', mode) >> 12)} { table_page = ${hex(TABLE.own.q)} }
  }
  index = address >> 12 & ${mask}
  slot = gva:(table_page + index * ${mode.bytes})
  e = entry [slot]
  if not code & P and e & ${hex(PROMISED)} {
    entry [slot] = e & ~${hex(PROMISED)} | ${hex(PRESENT_RW_USER)}
    return
  }
  if code & P and code & RW and e & ${hex(COPY)} {
    to = ${hex(COPIES)} + (table_page - ${hex(TABLE.own.p)} << 4) + (index + (index >> 9) * 8 & 15) * 4K
    [gva:to] = [gva:(e.frame)]
    [gva:(to + 8)] = [gva:(e.frame + 8)]
    entry [slot] = to | 0x67
    invlpg(address)
    return
  }
  refuse
}
/// Another CPU has changed tables: everything is forgotten.
on interrupt 0x40 {
  ${forgetAll.join('\n  ')}
  wrmsr(0x80b, 0)
}
`;
}
