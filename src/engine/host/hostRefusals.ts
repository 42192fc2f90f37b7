/** Why a host action did nothing, by name: what stands behind the statement's place. `{address}` is what it is about. */
const sentences = {
  none: '',
  unmapped: 'the guest does not map gva:{address}; name an address that it maps, or a guest-physical one',
  noSlot: 'no memslot holds gpa:{address}; name an address of the guest\'s memory',
  noHva: 'no memslot lies at hva:{address} in the VMM process; ask hva_of(a) for an address that does',
  noGuestPage: 'hpa:{address} backs no page of a guest; ask hpa_of(a) for an address that does',
  notBacked: 'the host has not backed the page at gpa:{address} yet, so there is nothing to act on; let the guest touch it first',
  noSwap: 'the platform has no swap device to write gpa:{address} to; write `swap 32M` in `platform`',
  swapFull: 'the swap device has no page left for gpa:{address}; give the platform a larger `swap`',
  hostMemory: 'no host frame is left for gpa:{address}; give the platform more `ram`',
  samePage: 'both addresses lie in one page, gpa:{address}; name two pages',
  contentsDiffer: 'the contents of the page at gpa:{address} are not those of the other; write the same into both first',
  beyondSlot: 'the 2-MByte page around gpa:{address} would reach beyond its memslot; name an address whose 2 MBytes, as it is aligned '
    + 'in the VMM process, lie within one slot',
  noLargeFrame: 'no 2 MBytes of host frames lie free in a row for gpa:{address}; give the platform more `ram`',
  largeEpte: 'an EPT entry of 2 MBytes maps gpa:{address}, which has no EPT PTE; write `host split(a)` before it',
  rangeBeyondSlot: 'the range that begins at gpa:{address} ends beyond its memslot; name a shorter one',
  slotExists: 'there is a memslot of that name already; remove it first, or choose another name',
  slotOverlaps: 'gpa:{address} lies in another memslot, or is MMIO; choose addresses that nothing covers',
  noFramesForSlot: 'no run of host frames is free that would hold the memory slot; give the platform more `ram`',
  noRoomForSlot: 'the VM has no room for another memslot; remove one first',
  noSuchSlot: 'no memslot of that name is there now: it was removed, or not added yet, or it is MMIO, which no memory backs',
  nestedGuest: 'a nested guest has no memslots: its memory lies in those of the VM that runs it; name a slot of that one',
  slotMisaligned: 'a memslot begins with a page, and gpa:{address} is not the address of one; write a multiple of 4K',
  slotBeyond: 'the memslot would end at gpa:{address}; a slot ends at 64G at most',
  notWholePages: '{address} bytes are no whole number of pages; write a multiple of 4K',
} as const;

export type HostRefusalName = keyof typeof sentences;

/** Number of a refusal by its name; `none` is 0. */
export const HOST_REFUSAL = Object.fromEntries(Object.keys(sentences).map((name, number) => [name, number])) as Record<HostRefusalName, number>;

const texts: readonly string[] = Object.values(sentences);

/** The sentence of refusal `refusal`, with `{address}` filled in. */
export function hostRefusalText(refusal: number, address: bigint): string {
  return (texts[refusal] ?? '').replaceAll('{address}', `0x${address.toString(16)}`);
}
