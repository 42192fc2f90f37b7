import { OPERATION } from '../../hardware/paging/accessKinds';
import { CPU_AT, KIND, field } from '../../hardware/events/eventTable';

/** Memory that is watched: by linear address, or by the place in host-physical memory. */
export interface DataWatch {
  readonly space: 'gva' | 'hpa';
  readonly address: bigint;
  readonly length: bigint;
  /** Whose linear address it is, where there are several VMs. */
  readonly vm?: string;
}

export type DataAccessType = 'read' | 'write' | 'readWrite';

const LARGEST_ACCESS = 8n;

/** `SPACE:ADDRESS:LENGTH`, with several VMs `VM.SPACE:…`: says all, so that a client may keep it over sessions. */
export function dataId({ space, address, length, vm }: DataWatch): string {
  return `${vm === undefined ? '' : `${vm}.`}${space}:0x${address.toString(16)}:${length}`;
}

export function parseDataId(text: string): DataWatch | { readonly error: string } {
  const match = /^(?:(\w+)\.)?(gva|hpa):(0x[0-9a-f]{1,16}):(\d{1,8})$/.exec(text);
  if (match === null) return { error: `"${text}" watches nothing: it is written gva:0xADDRESS:LENGTH or hpa:0xADDRESS:LENGTH.` };
  const [, vm, space, address, length] = match;
  return { space: space === 'hpa' ? 'hpa' : 'gva', address: BigInt(address ?? '0'), length: BigInt(length ?? '0'), ...(vm === undefined ? {} : { vm }) };
}

/** Data breakpoints stop when an access has completed, as the processor's own do. SDM Vol. 3, "Data Breakpoint Exception Condition". */
export const dataBreakpointKinds: readonly number[] = [KIND.access_done];

/** `isMeant`: whether accesses on the CPU that an event carries are meant; left out: all are. */
export function dataBreakpointMatches(watch: DataWatch, accessType: DataAccessType, isMeant?: (cpu: number) => boolean): (record: Int32Array) => boolean {
  const at = watch.space === 'gva' ? field.gva.at : field.hpa.at;
  const isKind = operationTest(accessType);
  const end = watch.address + watch.length;
  const nearHi = Number(watch.address >> 32n) | 0;
  return (record) => {
    // Most accesses are far away: told by the high half alone, without a BigInt.
    if (!isKind(record[field.what.at]!) || Math.abs(record[at + 1]! - nearHi) > 1) return false;
    if (isMeant?.(record[CPU_AT]!) === false) return false;
    const from = (BigInt(record[at + 1]! >>> 0) << 32n) | BigInt(record[at]! >>> 0);
    const size = BigInt(record[field.size.at]!) || LARGEST_ACCESS;
    return from < end && watch.address < from + size;
  };
}

function operationTest(accessType: DataAccessType): (operation: number) => boolean {
  const writes = (operation: number): boolean => operation === OPERATION.store || operation === OPERATION.readModifyWrite;
  const reads = (operation: number): boolean => operation === OPERATION.load || operation === OPERATION.readModifyWrite;
  if (accessType === 'write') return writes;
  return accessType === 'read' ? reads : (operation) => reads(operation) || writes(operation);
}
