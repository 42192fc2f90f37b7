import { strict as assert } from 'node:assert';
import { FAR_FRAME, frameInEntry, frameOfAddress } from '../../../src/hardware/memory/frameNumber';
import { halves } from '../testMachine';

describe('the number of a frame', () => {
  it('is the address without its page offset, and of an entry without the bits that are no address', () => {
    for (const [address, frame] of [[0xfffn, 0], [0x1000n, 1], [0x1_2345_6fffn, 0x12_3456], [0x7ff_ffff_f000n, 0x7fff_ffff]] as const) {
      assert.equal(frameOfAddress(...halves(address)), frame);
      assert.equal(frameInEntry(...halves(address | 1n << 63n | 5n << 59n | 1n << 52n)), frame);
    }
  });

  it('is no other frame\'s: one that 32 bits cannot tell is far, whatever bit of 51:44 is set', () => {
    for (let bit = 44n; bit <= 51n; bit++) {
      const address = 0x5000n | 1n << bit;
      assert.equal(frameOfAddress(...halves(address)), FAR_FRAME, `bit ${bit}`);
      assert.equal(frameInEntry(...halves(address | 1n << 63n)), FAR_FRAME, `bit ${bit}`);
    }
  });
});
