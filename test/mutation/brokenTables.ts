import { EPT4 } from '../../src/hardware/paging/formats/ept4';
import { EPT5 } from '../../src/hardware/paging/formats/ept5';
import { LEGACY32 } from '../../src/hardware/paging/formats/legacy32';
import { LONG4 } from '../../src/hardware/paging/formats/long4';
import { LONG5 } from '../../src/hardware/paging/formats/long5';
import { NPT_LEGACY32, NPT_LONG4, NPT_LONG5, NPT_PAE } from '../../src/hardware/paging/formats/nestedPaging';
import { PAE } from '../../src/hardware/paging/formats/pae';
import { accessRightsRows, eptRightsRows, rightsConditions } from '../../src/hardware/paging/accessRights';
import { PFEC } from '../../src/hardware/paging/pageFaultErrorCode';
import type { PagingFormat } from '../../src/hardware/paging/pagingFormat';
import { controlRules } from '../../src/hardware/processor/controlRegisterChecks';
import { invpcidRules } from '../../src/hardware/processor/invpcidInstruction';
import { machineRules, stateRules } from '../../src/hardware/processor/machineRules';
import { invalidationRows } from '../../src/hardware/caches/invalidationRows';
import { longModeGateRules, protectedModeGateRules } from '../../src/hardware/delivery/gate';
import { NPF_INFO_HI } from '../../src/hardware/svm/exitInformation';
import { vmrunRules } from '../../src/hardware/svm/vmrunRules';
import { controlChecks } from '../../src/hardware/vmx/entryChecks/controlChecks';
import { guestChecks } from '../../src/hardware/vmx/entryChecks/guestChecks';
import { hostChecks } from '../../src/hardware/vmx/entryChecks/hostChecks';
import { accessBits, rightsBits } from '../../src/hardware/vmx/eptViolationQualification';
import { eptPointerRules } from '../../src/hardware/vmx/eptPointerRules';
import {
  crAccessQualification, EPT_QUALIFICATION, eptViolationFields, ioQualification, modificationLogFullFields,
} from '../../src/hardware/vmx/exitQualification';
import { conformanceGuard, productGuards, unitGuard, type Guard } from './guards';
import { bitBreaksOf, breaksOf, dropFrom, valueBreaksOf, type RowBreak } from './rowBreaks';

/** One broken row to be caught. */
export interface BrokenRow extends RowBreak {
  readonly row: string;
}

/** A table, its rows broken in every way, and the tests that are to notice, cheap ones first. */
export interface BrokenTable {
  readonly name: string;
  readonly breaks: readonly BrokenRow[];
  readonly guards: readonly Guard[];
}

const STRIDE = 41;

/** Rows of a list: each may be missing, and each may be wrong in one column. */
function listed(rows: readonly { readonly name?: string }[]): BrokenRow[] {
  return rows.flatMap((row, index) => [dropFrom(rows, index), ...breaksOf(row)].map((broken) => (
    { ...broken, row: row.name ?? `row ${index}` })));
}

/** Breaks of what is no list of rows: each is named by what it breaks. */
function named(breaks: readonly RowBreak[]): BrokenRow[] {
  return breaks.map((broken) => ({ ...broken, row: broken.how.split(' ')[0] ?? '' }));
}

const tests = (...folders: readonly string[]): Guard => unitGuard(...folders.map((folder) => `hardware/${folder}`));
const everything = unitGuard('hardware');

const scalars = [
  'levels', 'entryBytes', 'indexBits', 'input', 'inputBits', 'root', 'registerLevel', 'pointerLevels', 'presentMask', 'rights', 'refusal',
  'leafLevels', 'leafBit', 'leafNeeds', 'frame', 'highFrame', 'accessedBit', 'dirtyBit', 'globalBit', 'keyBit', 'suppressBit',
] as const;

function format(name: string, value: PagingFormat, words: readonly string[]): BrokenTable[] {
  const guards = [...productGuards(words, STRIDE), unitGuard('exhaustive/beyondWidth.test.ts', 'exhaustive/roots.test.ts'), tests('paging'), conformanceGuard(7)];
  const own = breaksOf(value, scalars).map((broken) => ({ ...broken, row: 'format' }));
  // Nested formats share the rules of those that they are made of.
  const isShared = name.startsWith('NPT');
  return [
    { name, breaks: own, guards },
    ...(isShared ? [] : [
      { name: `${name}.reservedRules`, breaks: listed(value.reservedRules), guards },
      { name: `${name}.illegalRules`, breaks: listed(value.illegalRules), guards },
      { name: `${name}.fields`, breaks: listed(value.fields), guards: [unitGuard('exhaustive/fields.test.ts'), tests('paging')] },
    ]),
  ];
}

export const brokenTables: readonly BrokenTable[] = [
  ...format('LEGACY32', LEGACY32, ['32-bit with', '4-level without']),
  ...format('PAE', PAE, ['PAE: ']),
  ...format('LONG4', LONG4, ['4-level']),
  ...format('LONG5', LONG5, ['5-level']),
  ...format('EPT4', EPT4, ['EPT, 4', 'EPT with']),
  ...format('EPT5', EPT5, ['EPT, 5', 'EPT with']),
  ...format('NPT_LEGACY32', NPT_LEGACY32, ['nested 32-bit']),
  ...format('NPT_PAE', NPT_PAE, ['nested PAE']),
  ...format('NPT_LONG4', NPT_LONG4, ['nested 4-level']),
  ...format('NPT_LONG5', NPT_LONG5, ['nested 5-level']),
  ...[
    { name: 'accessRightsRows', breaks: listed(accessRightsRows) },
    { name: 'rightsConditions', breaks: named(breaksOf(rightsConditions)) },
    { name: 'PFEC', breaks: named(bitBreaksOf(PFEC)) },
  ].map((table) => ({ ...table, guards: [unitGuard('hardware/paging/refusedRights.test.ts'), ...productGuards(['PAE: ', '4-level: '], STRIDE), tests('paging')] })),
  {
    name: 'eptRightsRows', breaks: listed(eptRightsRows),
    guards: [...productGuards(['EPT, 4 levels: rights', 'EPT with'], STRIDE), tests('paging', 'vmx')],
  },
  ...[
    { name: 'EPT_QUALIFICATION', breaks: named(bitBreaksOf(EPT_QUALIFICATION)) },
    { name: 'eptViolationQualification.accessBits', breaks: named(valueBreaksOf(accessBits)) },
    { name: 'eptViolationQualification.rightsBits', breaks: rightsBits.flatMap((row) => named(bitBreaksOf(row))) },
  ].map((table) => ({ ...table, guards: [...productGuards(['EPT, 4 levels: rights', 'EPT with'], STRIDE), tests('paging', 'vmx', 'delivery')] })),
  { name: 'NPF_INFO_HI', breaks: named(bitBreaksOf(NPF_INFO_HI)), guards: [...productGuards(['nested PAE'], STRIDE), tests('paging')] },
  { name: 'eptViolationFields', breaks: listed(eptViolationFields), guards: [tests('vmx', 'paging'), everything] },
  { name: 'modificationLogFullFields', breaks: listed(modificationLogFullFields), guards: [tests('vmx'), everything] },
  { name: 'ioQualification', breaks: listed(ioQualification), guards: [tests('vmx'), everything] },
  { name: 'crAccessQualification', breaks: listed(crAccessQualification), guards: [tests('vmx', 'processor'), everything] },
  ...Object.entries(invalidationRows).map(([name, row]): BrokenTable => ({
    name: `invalidationRows.${name}`, breaks: breaksOf(row).map((broken) => ({ ...broken, row: name })), guards: [tests('caches'), everything],
  })),
  ...Object.entries(controlRules).map(([name, rows]): BrokenTable => ({
    name: `controlRules.${name}`, breaks: listed(rows), guards: [tests('processor'), tests('vmx'), everything] })),
  { name: 'machineRules', breaks: listed(machineRules), guards: [tests('processor'), everything] },
  { name: 'stateRules', breaks: listed(stateRules), guards: [tests('processor'), everything] },
  { name: 'invpcidRules', breaks: listed(invpcidRules), guards: [tests('caches'), everything] },
  { name: 'eptPointerRules', breaks: listed(eptPointerRules), guards: [tests('processor', 'vmx'), everything] },
  { name: 'vmrunRules', breaks: listed(vmrunRules), guards: [tests('svm'), everything] },
  { name: 'controlChecks', breaks: listed(controlChecks), guards: [tests('vmx'), everything] },
  { name: 'hostChecks', breaks: listed(hostChecks), guards: [tests('vmx'), everything] },
  { name: 'guestChecks', breaks: listed(guestChecks), guards: [tests('vmx'), everything] },
  { name: 'longModeGateRules', breaks: listed(longModeGateRules), guards: [tests('delivery'), everything] },
  { name: 'protectedModeGateRules', breaks: listed(protectedModeGateRules), guards: [tests('delivery'), everything] },
];
