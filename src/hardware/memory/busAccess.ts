/** What finds no memory at an address. The first four have the numbers of their `OPERATION`. */
export const BUS_ACCESS = {
  load: 0, store: 1, readModifyWrite: 2, fetch: 3,
  tableRead: 4, pdpteLoad: 5, modificationLog: 6, exceptionInformation: 7, eptpList: 8, permissionBitmap: 9,
} as const;

/** By `BUS_ACCESS`: `what` of a `bus_error` event. */
export const busAccessNames = [
  'load', 'store', 'read-modify-write', 'fetch',
  'table read', 'PDPTE load', 'page-modification log', 'virtualization-exception information', 'EPTP list', 'permission bitmap',
] as const;
