import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Plugin } from 'esbuild';
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

/** Gives the bundle the source with the bug in it. */
export function planting(plant: Plant): Plugin {
  const target = plantedFile(plant);
  return {
    name: 'plant',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path: loaded }) => {
        const contents = loaded === target ? plantedSource(plant) : undefined;
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      });
    },
  };
}
