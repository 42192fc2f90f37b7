import type { Configuration } from '../engine/settings/configuration';
import { frameAddress, frameText, sizeText } from './addressText';
import type { Row } from './rows';

/**
 * What the run's machine is: the settings in force, those that nobody wrote too, by their names in `machine` and `platform`. A guest's
 * `ram` is among its slots.
 */
export function configurationRows(configuration: Configuration): readonly Row[] {
  const { vms, vendor, maxphyaddr, tlbEntries, tlbWays, tlbL2, tlbPageShifts, walkCaches, tags, rewalkOnPermissionFault, hostRam, swap, backing, sabotage } = configuration;
  const own = vms.flatMap((vm): readonly Row[] => {
    const of = vms.length > 1 ? `${vm.name}.` : '';
    const { technique, settings } = vm;
    const words: Readonly<Record<string, string | number>> = {
      update: settings.update, shadow_pages: settings.shadowPages, prefetch: settings.prefetch, previous_roots: settings.previousRoots,
      early_unshadow: settings.earlyUnshadow, dirty_log: settings.dirtyLog, unrestricted_guest: settings.unrestrictedGuest,
      ept_violation_ve: settings.violationExceptions,
    };
    const taken = technique.settings.filter((name) => Object.hasOwn(words, name));
    return [
      { name: `${of}mmu`, value: `${technique.name}${taken.length === 0 ? '' : `:${taken.map((name) => `${name}=${words[name] ?? ''}`).join(',')}`}` },
      { name: `${of}paging`, value: vm.paging },
      { name: `${of}slot`, value: vm.slots.map(({ name, frame, frames, kind }) => `${name} ${frameText('gpa', frame)} ${sizeText(frameAddress(frames))} ${kind}`).join(', ') },
      { name: `${of}kernel`, value: vm.kernel === 'none' ? 'none' : 'standard' },
      { name: `${of}delivery`, value: vm.delivery },
    ];
  });
  return [
    ...own,
    { name: 'vendor', value: vendor },
    { name: 'ram', value: sizeText(BigInt(hostRam)) },
    { name: 'backing', value: backing },
    { name: 'swap', value: swap === 0 ? 'none' : sizeText(BigInt(swap)) },
    { name: 'maxphyaddr', value: `${maxphyaddr}` },
    { name: 'tlb', value: `${tlbEntries} entries ${tlbWays} ways` },
    { name: 'tlb_l2', value: tlbL2 === undefined ? 'none' : `${tlbL2.entries} entries ${tlbL2.ways} ways` },
    { name: 'tlb_pages', value: tlbPageShifts === undefined ? 'all sizes' : tlbPageShifts.map((shift) => sizeText(1n << BigInt(shift))).join(' ') },
    { name: 'tags', value: tags },
    { name: 'walk_caches', value: walkCaches },
    { name: 'rewalk_on_permission_fault', value: rewalkOnPermissionFault },
    { name: 'sabotage', value: sabotage },
  ];
}
