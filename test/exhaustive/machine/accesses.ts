import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import type { Access } from '../oracle/accessRights';

/** An access with the number that the walk knows it by. */
export interface CodedAccess extends Access {
  readonly name: string;
  readonly code: number;
}

const kinds = { read: ACCESS.read, write: ACCESS.write, fetch: ACCESS.fetch } as const;

/** Read, write and fetch at CPL 3 and below, and the implicit supervisor accesses, which are to data. */
export const accesses: readonly CodedAccess[] = [
  ...(['read', 'write', 'fetch'] as const).flatMap((what): CodedAccess[] => [
    { name: `user ${what}`, what, mode: 'user', how: 'explicit', code: kinds[what] | ACCESS.user },
    { name: `supervisor ${what}`, what, mode: 'supervisor', how: 'explicit', code: kinds[what] },
  ]),
  ...(['read', 'write'] as const).map((what): CodedAccess => (
    { name: `implicit supervisor ${what}`, what, mode: 'supervisor', how: 'implicit', code: kinds[what] | ACCESS.implicit })),
];

export const supervisorAccesses: readonly CodedAccess[] = accesses.filter(({ mode, how }) => mode === 'supervisor' && how === 'explicit');
export const userAccesses: readonly CodedAccess[] = accesses.filter(({ mode }) => mode === 'user');
