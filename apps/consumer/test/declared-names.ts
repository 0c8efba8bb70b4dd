import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * The names that a declaration file brings, with those of the files beside it that it imports, one a line and sorted: each
 * top-level declaration and, as `Class.member`, the members of each exported class that are not private. A name that is
 * declared and not exported has `(not exported)` after it: it stands in the public types all the same.
 */
export async function declaredNames(file: string): Promise<string[]> {
  const exported = new Set<string>()
  const declared = new Set<string>()
  const members = new Map<string, string[]>()
  const files = [file]
  for (const path of files) {
    const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2022)
    for (const statement of source.statements) {
      const beside = besides(statement, path)
      if (beside !== undefined && !files.includes(beside)) files.push(beside)
      // A file beside it exports under names of one letter, for this one to import.
      if (path === file) for (const name of exportsOf(statement)) exported.add(name)
      for (const name of declarationsOf(statement)) declared.add(name)
      if (ts.isClassDeclaration(statement)) members.set(nameOf(statement), membersOf(statement))
    }
  }
  const all = [...new Set([...exported, ...declared])]
  return all
    .flatMap((name) => {
      if (!exported.has(name)) return [`${name} (not exported)`]
      return [name, ...(members.get(name) ?? []).map((member) => `${name}.${member}`)]
    })
    .sort()
}

/** The file of a relative import, such as `./parse-D2x9.js`. */
function besides(statement: ts.Statement, path: string): string | undefined {
  if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return undefined
  const specifier = statement.moduleSpecifier
  if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.'))
    return undefined
  return join(dirname(path), specifier.text.replace(/\.(c?)js$/, '.d.$1ts'))
}

function exportsOf(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement)) {
    const { exportClause } = statement
    if (exportClause === undefined) throw new Error(`No names in: ${statement.getText()}`)
    return ts.isNamedExports(exportClause)
      ? exportClause.elements.map(({ name }) => name.text)
      : [exportClause.name.text]
  }
  const isExported =
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  return isExported ? declarationsOf(statement) : []
}

function declarationsOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => (name as ts.Identifier).text)
  }
  const isNamed =
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement)
  return isNamed ? [nameOf(statement)] : []
}

function nameOf({ name }: { readonly name?: ts.Node | undefined }): string {
  return (name as ts.Identifier | undefined)?.text ?? 'default'
}

function membersOf({ members }: ts.ClassDeclaration): string[] {
  const names = members.flatMap((member) => {
    const isPrivate = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private
    if (member.name === undefined || isPrivate || ts.isPrivateIdentifier(member.name)) return []
    if (ts.isComputedPropertyName(member.name)) return [`[${expressionText(member.name.expression)}]`]
    return [(member.name as ts.Identifier).text]
  })
  return [...new Set(names)]
}

function expressionText(expression: ts.Expression): string {
  if (ts.isPropertyAccessExpression(expression)) {
    return `${expressionText(expression.expression)}.${expression.name.text}`
  }
  return (expression as ts.Identifier).text
}
