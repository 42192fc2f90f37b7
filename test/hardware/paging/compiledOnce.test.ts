import { strict as assert } from 'node:assert';
import { compilePagePermissions, PERMISSIONS, type RightsControls } from '../../../src/hardware/paging/accessRights';
import { compileFormat, type FormatFeatures } from '../../../src/hardware/paging/compiledFormat';
import { forgetCompilations } from '../../../src/hardware/paging/compiledOnce';
import { EPT4 } from '../../../src/hardware/paging/formats/ept4';
import { LONG4 } from '../../../src/hardware/paging/formats/long4';
import { CR0, CR4, RFLAGS } from '../../../src/hardware/processor/controlRegisters';

const allOn: FormatFeatures = {
  maxphyaddr: 46, noExecute: 'on', executeOnly: 'on', largePages: 'on', pages2M: 'on', pages1G: 'on', pse36: 'on', modeBasedExecute: 'on', topEntries: 'registers',
};
const allOff: FormatFeatures = {
  maxphyaddr: 46, noExecute: 'off', executeOnly: 'off', largePages: 'off', pages2M: 'off', pages1G: 'off', pse36: 'off', modeBasedExecute: 'off', topEntries: 'memory',
};

/** Every set of features that is another one by one of them; a feature left out is neither on nor off. */
function neighbours(features: FormatFeatures, other: FormatFeatures): readonly FormatFeatures[] {
  const names = Object.keys(features).filter((name) => name !== 'maxphyaddr') as (keyof FormatFeatures)[];
  const optional = names.filter((name) => name !== 'noExecute' && name !== 'executeOnly');
  return [
    ...names.map((name) => ({ ...features, [name]: other[name] })),
    ...optional.map((name) => Object.fromEntries(Object.entries(features).filter(([key]) => key !== name)) as unknown as FormatFeatures),
    { ...features, maxphyaddr: 47 },
  ];
}

describe('what is compiled once', () => {
  it('is told apart by each feature that decides of a format', () => {
    const sets = [allOn, allOff, ...neighbours(allOn, allOff), ...neighbours(allOff, allOn)];
    for (const format of [LONG4, EPT4]) {
      for (const features of sets) assert.deepEqual(compileFormat(format, features).features, features);
      assert.equal(new Set(sets.map((features) => compileFormat(format, features))).size, sets.length);
    }
  });

  it('is the same for the same', () => {
    assert.equal(compileFormat(LONG4, { ...allOn }), compileFormat(LONG4, allOn));
    assert.notEqual(compileFormat(EPT4, allOn), compileFormat(LONG4, allOn));
  });

  it('of page rights is told apart by each register bit that a row of the table asks for', () => {
    const controls: RightsControls[] = [];
    for (let bits = 0; bits < 16; bits++) {
      controls.push({ cr0: bits & 1 ? CR0.WP : 0, cr4: (bits & 2 ? CR4.SMEP : 0) | (bits & 4 ? CR4.SMAP : 0), rflags: bits & 8 ? RFLAGS.AC : 0 });
    }
    const permissionsOf = (each: RightsControls): readonly number[] => {
      const permissions = new Uint8Array(PERMISSIONS);
      compilePagePermissions(permissions, each);
      return [...permissions];
    };
    const anew = controls.map((each) => {
      forgetCompilations();
      return permissionsOf(each);
    });
    assert.deepEqual(controls.map(permissionsOf), anew);
    assert.deepEqual(controls.map(permissionsOf), anew);
  });
});
