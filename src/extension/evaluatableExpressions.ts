import * as vscode from 'vscode';
import { LANGUAGE } from './contributions';
import { expressionAt } from './expressionAt';

/** While stopped, a hover evaluates exactly the expression under the pointer. */
export function registerEvaluatableExpressions(): vscode.Disposable {
  return vscode.languages.registerEvaluatableExpressionProvider(LANGUAGE, {
    provideEvaluatableExpression(document, position) {
      const found = expressionAt(document.lineAt(position.line).text, position.character);
      if (found === undefined) return undefined;
      const range = new vscode.Range(position.line, found.from, position.line, found.to);
      return new vscode.EvaluatableExpression(range, found.text);
    },
  });
}
