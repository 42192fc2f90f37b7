import { Command, InvalidArgumentError } from 'commander';
import { debuggerSuite } from './debugger/suite';
import { hardwareSuite } from './hardware/suite';
import { languageSuite } from './language/suite';

function atLeastOne(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('a number from 1 is wanted.');
  return number;
}

const program = new Command('bench').description('Measures Pagewalk, and what it is compared with, on this machine.');

program.command('hardware')
  .description('Accesses by src/hardware beside Bochs, QEMU, v86 and C: nanoseconds, and the goals as ratios')
  .option('--rounds <number>', 'interleaved rounds, each with fresh processes', atLeastOne, 5)
  .option('--only <names>', 'measurements to make, by name, with commas between them', (names) => names.split(','), [] as string[])
  .option('--json <file>', 'write the numbers to this file too')
  .action(async ({ rounds, only, json }: { rounds: number; only: string[]; json?: string }) => {
    await hardwareSuite({ rounds, only, json });
  });

program.command('language')
  .description('A statement beside JavaScript and a tree walk; parsing, diagnostics and completion of long scenarios')
  .option('--rounds <number>', 'rounds, each with fresh processes', atLeastOne, 3)
  .option('--json <file>', 'write the numbers to this file too')
  .action(async ({ rounds, json }: { rounds: number; json?: string }) => {
    await languageSuite({ rounds, json });
  });

program.command('debugger')
  .description('A step of a session beside an empty adapter; what history costs; a step back; variables, trees and pause')
  .option('--rounds <number>', 'rounds, each with fresh processes', atLeastOne, 3)
  .option('--only <names>', 'measurements to make, by name, with commas between them', (names) => names.split(','), [] as string[])
  .option('--json <file>', 'write the numbers to this file too')
  .action(async ({ rounds, only, json }: { rounds: number; only: string[]; json?: string }) => {
    await debuggerSuite({ rounds, only, json });
  });

void program.parseAsync();
