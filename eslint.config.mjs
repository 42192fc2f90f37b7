import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { layersRule } from './eslint.layers.mjs';

/** Floors that must give the same run on every machine and at any time, and run without Node and DOM. */
const portable = ['hardware', 'protocol', 'language', 'hypervisor', 'engine', 'inspect'];

const clockAndChance = [
  { object: 'Math', property: 'random', message: "A run is a pure function: take the scenario's own seed." },
  {
    object: 'performance',
    property: 'now',
    message: 'A run is a pure function: there is no clock below the adapter.',
  },
];

const hostGlobals = [
  ...['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => ({
    name,
    message: 'A run is a pure function: there is no clock below the adapter.',
  })),
  ...['process', 'Buffer', 'require', 'module', '__dirname', '__filename', 'global', 'globalThis'].map((name) => ({
    name,
    message: 'This also runs in a web worker: no Node API below the adapter.',
  })),
  ...['window', 'document', 'navigator', 'fetch', 'crypto', 'console', 'self'].map((name) => ({
    name,
    message: 'This also runs in the extension host and the command: no web API below the adapter.',
  })),
];

const noEnumNoDefault = [
  { selector: 'TSEnumDeclaration', message: 'Use a union or a const table.' },
  { selector: 'ExportDefaultDeclaration', message: 'Give it its name.' },
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'test-results/',
      '.chromium/',
      '.vscode-server/',
      '.vscode-test/',
      'src/language/generated/', 'src/language/library/kernelText.ts',
      'src/hardware/paging/specialized/walks.ts', 'src/hardware/paging/specialized/wholeWalks.ts',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400 }],
      'no-restricted-syntax': ['error', ...noEnumNoDefault],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // A typed array read at an index that the code has just bounded: a check would only hide the bound.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Numbers in texts are what this program is about.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `while (true)` is how an interpreter's loop is written.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // `return this.miss()` in a function that returns nothing says: and that is all.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { pagewalk: { rules: { layers: layersRule } } },
    rules: { 'pagewalk/layers': 'error' },
  },
  {
    files: portable.map((folder) => `src/${folder}/**/*.ts`),
    rules: {
      'no-restricted-properties': ['error', ...clockAndChance],
      'no-restricted-globals': ['error', ...hostGlobals],
    },
  },
  {
    files: ['src/adapter/**/*.ts', 'src/lsp/**/*.ts', 'src/cli/**/*.ts', 'src/extension/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['window', 'document', 'navigator'].map((name) => ({ name, message: 'Only the panel has a page.' })),
      ],
    },
  },
  {
    // VS Code's own `Disposable` differs from the language's, which the rule takes for a mistake.
    files: ['src/extension/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    files: ['**/*.test.ts'],
    // Each test takes what it needs out of a record of closures, which the rule takes for methods.
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: {
        require: 'readonly',
        module: 'writable',
        process: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
      },
    },
  },
);
