import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../vscode/harness/projectRoot';
import type { Plant } from './hypervisorPlants';

const hypervisor = path.join(projectRoot, 'src/hypervisor');

/** The file that a plant changes. */
export function plantedFile({ file }: Plant): string {
  return path.join(hypervisor, file);
}

/** That file with the bug in it; undefined when its place is gone from the source, or is there more than once. */
export function plantedSource(plant: Plant): string | undefined {
  const file = plantedFile(plant);
  if (!fs.existsSync(file)) return undefined;
  const parts = fs.readFileSync(file, 'utf8').split(plant.from);
  return parts.length === 2 ? parts.join(plant.to) : undefined;
}
