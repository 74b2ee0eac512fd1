//! The value that a configuration script exports, found without running it: literals are
//! followed through constants, objects, spreads, JSON files and functions without arguments.
//! What is computed otherwise is [unknown](Value::Unknown).

use std::collections::HashMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrayExpression, ArrayExpressionElement, ArrowFunctionBody, AssignmentTarget,
    BinaryOperator, CallExpression, ExportDefaultDeclarationKind, Expression, FunctionBody,
    ImportDeclarationSpecifier, LogicalExpression, LogicalOperator, ObjectExpression,
    ObjectPropertyKind, PropertyKind, Statement, TemplateLiteral, UnaryOperator,
    VariableDeclaration,
};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};

use super::value::{Object, Value};
use crate::markdown::Problem;

/// How deep values may lie in one another, and how often a name may stand for another one.
const DEPTH: usize = 100;

/// The value that a script exports. `folder` is where it lies.
///
/// # Errors
/// Where and why it is no such script.
pub(crate) fn exported(text: &str, extension: &str, folder: &Path) -> Result<Value, Problem> {
    if let Some(line) = line_nested_deeper(text, DEPTH) {
        return Err((Some(line), format!("nested deeper than {DEPTH} levels")));
    }
    let kind = SourceType::from_extension(extension).unwrap_or_else(|_| SourceType::mjs());
    // The parser panics on some scripts that are not valid, such as `import{"\\u"t`.
    let read = catch_unwind(|| {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, text, kind).parse();
        let statements = &parsed.program.body;
        let mut script = Script { text, folder, names: HashMap::new() };
        script.declare(statements);
        (!parsed.panicked).then(|| script.export(statements))
    });
    read.ok()
        .flatten()
        .ok_or_else(|| (None, "it is not valid JavaScript".to_owned()))?
        .ok_or_else(|| (None, "it exports nothing that can be followed".to_owned()))
}

/// Whether a function is one of these of an object.
fn is_one_of(callee: &Expression<'_>, object: &str, functions: &[&str]) -> bool {
    functions.iter().any(|function| callee.is_specific_member_access(object, function))
}

/// Where brackets are nested deeper than this.
fn line_nested_deeper(text: &str, limit: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let at = text.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > limit
    })?;
    Some(text.as_bytes()[..at].split(|&byte| byte == b'\n').count())
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Meaning<'a> {
    Constant(&'a Expression<'a>),
    Function(&'a FunctionBody<'a>),
    File(&'a str),
}

#[derive(Clone)]
struct Script<'a> {
    text: &'a str,
    folder: &'a Path,
    names: HashMap<&'a str, Meaning<'a>>,
}

impl<'a> Script<'a> {
    fn declare(&mut self, statements: &'a [Statement<'a>]) {
        for statement in statements {
            match statement {
                Statement::VariableDeclaration(variables) => self.declare_variables(variables),
                Statement::FunctionDeclaration(function) => {
                    if let (Some(name), Some(body)) = (&function.id, &function.body) {
                        self.names.insert(name.name.as_str(), Meaning::Function(body));
                    }
                }
                Statement::ImportDeclaration(import) => {
                    for specifier in import.specifiers.iter().flatten() {
                        if let ImportDeclarationSpecifier::ImportDefaultSpecifier(name) = specifier
                        {
                            let file = Meaning::File(import.source.value.as_str());
                            self.names.insert(name.local.name.as_str(), file);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn declare_variables(&mut self, variables: &'a VariableDeclaration<'a>) {
        for variable in &variables.declarations {
            if let (Some(name), Some(value)) = (variable.id.get_identifier_name(), &variable.init) {
                self.names.insert(name.as_str(), Meaning::Constant(value));
            }
        }
    }

    /// The default export: of the language's modules, or of Node's.
    fn export(&self, statements: &'a [Statement<'a>]) -> Option<Value> {
        statements.iter().rev().find_map(|statement| match statement {
            Statement::ExportDefaultDeclaration(export) => match &export.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                    Some(self.returned(function.body.as_ref()?, DEPTH))
                }
                declaration => Some(self.result(declaration.as_expression()?)),
            },
            Statement::ExpressionStatement(statement) => match &statement.expression {
                Expression::AssignmentExpression(assignment) => {
                    let AssignmentTarget::StaticMemberExpression(target) = &assignment.left else {
                        return None;
                    };
                    let is_export = target.object.is_specific_id("module")
                        && target.property.name == "exports"
                        || target.object.is_specific_id("exports")
                            && target.property.name == "default";
                    is_export.then(|| self.result(&assignment.right))
                }
                _ => None,
            },
            _ => None,
        })
    }

    /// A configuration, or that which a function returns.
    fn result(&self, expression: &'a Expression<'a>) -> Value {
        let called = self.called(expression, DEPTH);
        called.unwrap_or_else(|| self.value(expression, DEPTH))
    }

    /// What a call of this function without arguments gives; `None` when it is no function.
    fn called(&self, expression: &'a Expression<'a>, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        match expression.get_inner_expression() {
            Expression::FunctionExpression(function) => {
                Some(self.returned(function.body.as_ref()?, depth))
            }
            Expression::ArrowFunctionExpression(function) => match &function.body {
                ArrowFunctionBody::FunctionBody(body) => Some(self.returned(body, depth)),
                body => Some(self.value(body.as_expression()?, depth)),
            },
            Expression::Identifier(name) => match self.names.get(name.name.as_str())? {
                Meaning::Function(body) => Some(self.returned(body, depth)),
                Meaning::Constant(value) => self.called(value, depth),
                Meaning::File(_) => None,
            },
            _ => None,
        }
    }

    /// What the last statement of a function returns.
    fn returned(&self, body: &'a FunctionBody<'a>, depth: usize) -> Value {
        let mut inner = self.clone();
        inner.declare(&body.statements);
        match body.statements.last() {
            Some(Statement::ReturnStatement(last)) => match &last.argument {
                Some(value) => inner.value(value, depth),
                None => Value::Nothing,
            },
            _ => self.unknown(body.span),
        }
    }

    fn value(&self, expression: &'a Expression<'a>, depth: usize) -> Value {
        let Some(depth) = depth.checked_sub(1) else { return self.unknown(expression.span()) };
        match expression.get_inner_expression() {
            Expression::NullLiteral(_) => Value::Nothing,
            Expression::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expression::NumericLiteral(literal) => Value::Number(literal.value),
            Expression::StringLiteral(literal) => Value::Text(literal.value.to_string()),
            Expression::TemplateLiteral(template) => self.template(template, depth),
            Expression::ArrayExpression(array) => self.array(array, depth),
            Expression::ObjectExpression(object) => self.object(object, depth),
            Expression::Identifier(name) if name.name == "undefined" => Value::Nothing,
            // Paths are from the site's folder, where the script is.
            Expression::Identifier(name) if name.name == "__dirname" => Value::Text(".".to_owned()),
            Expression::Identifier(name) => match self.names.get(name.name.as_str()) {
                Some(Meaning::Constant(value)) => self.value(value, depth),
                Some(Meaning::Function(_)) => Value::Function,
                Some(Meaning::File(file)) => self.file(file, name.span),
                None => self.unknown(name.span),
            },
            Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_) => {
                Value::Function
            }
            Expression::AwaitExpression(awaited) => self.value(&awaited.argument, depth),
            Expression::CallExpression(call) => self.call(call, depth),
            Expression::UnaryExpression(unary) => {
                let value = self.value(&unary.argument, depth);
                match (unary.operator, value) {
                    (UnaryOperator::LogicalNot, value) => value
                        .is_truthy()
                        .map_or_else(|| self.unknown(unary.span), |truth| Value::Bool(!truth)),
                    (UnaryOperator::UnaryNegation, Value::Number(value)) => Value::Number(-value),
                    (UnaryOperator::Void, _) => Value::Nothing,
                    _ => self.unknown(unary.span),
                }
            }
            Expression::BinaryExpression(binary) => {
                let values = (self.value(&binary.left, depth), self.value(&binary.right, depth));
                match (binary.operator, values) {
                    (BinaryOperator::Addition, (Value::Text(left), Value::Text(right))) => {
                        Value::Text(left + &right)
                    }
                    (
                        BinaryOperator::StrictEquality | BinaryOperator::Equality,
                        (Value::Text(left), Value::Text(right)),
                    ) => Value::Bool(left == right),
                    (
                        BinaryOperator::StrictInequality | BinaryOperator::Inequality,
                        (Value::Text(left), Value::Text(right)),
                    ) => Value::Bool(left != right),
                    _ => self.unknown(binary.span),
                }
            }
            Expression::ConditionalExpression(choice) => {
                match self.value(&choice.test, depth).is_truthy() {
                    Some(true) => self.value(&choice.consequent, depth),
                    Some(false) => self.value(&choice.alternate, depth),
                    None => self.unknown(choice.span),
                }
            }
            Expression::LogicalExpression(logical) => self.logical(logical, depth),
            // A site is published from a production build.
            Expression::StaticMemberExpression(member)
                if member.property.name == "NODE_ENV"
                    && member.object.is_specific_member_access("process", "env") =>
            {
                Value::Text("production".to_owned())
            }
            Expression::StaticMemberExpression(member) => match self.value(&member.object, depth) {
                Value::Unknown { likely: None, .. } => self.unknown(member.span),
                object => object.get(member.property.name.as_str()),
            },
            Expression::ComputedMemberExpression(member) => {
                match (self.value(&member.object, depth), self.value(&member.expression, depth)) {
                    (object @ Value::Object(_), Value::Text(key)) => object.get(&key),
                    (Value::List(items), Value::Number(index)) => items
                        .into_iter()
                        .enumerate()
                        .find(|(at, _)| at.to_string() == index.to_string())
                        .map_or(Value::Nothing, |(_, item)| item),
                    _ => self.unknown(member.span),
                }
            }
            other => self.unknown(other.span()),
        }
    }

    fn template(&self, template: &'a TemplateLiteral<'a>, depth: usize) -> Value {
        let mut text = String::new();
        for (index, quasi) in template.quasis.iter().enumerate() {
            text.push_str(quasi.value.cooked.as_ref().map_or("", |cooked| cooked.as_str()));
            match template.expressions.get(index).map(|hole| self.value(hole, depth)) {
                None => {}
                Some(Value::Text(hole)) => text.push_str(&hole),
                Some(_) => return self.unknown(template.span),
            }
        }
        Value::Text(text)
    }

    fn array(&self, array: &'a ArrayExpression<'a>, depth: usize) -> Value {
        let mut items = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    match self.value(&spread.argument, depth) {
                        Value::List(spread) => items.extend(spread),
                        _ => items.push(self.unknown(spread.span)),
                    }
                }
                element => {
                    items.extend(element.as_expression().map(|element| self.value(element, depth)));
                }
            }
        }
        Value::List(items)
    }

    fn object(&self, object: &'a ObjectExpression<'a>, depth: usize) -> Value {
        let mut result = Object::default();
        for property in &object.properties {
            match property {
                ObjectPropertyKind::SpreadProperty(spread) => {
                    match self.value(&spread.argument, depth) {
                        Value::Object(spread) => {
                            result.entries.extend(spread.entries);
                            result.open = result.open.or(spread.open);
                        }
                        Value::Nothing | Value::Bool(_) => {}
                        _ => result.open = Some(self.line(spread.span)),
                    }
                }
                ObjectPropertyKind::ObjectProperty(property) => {
                    let key = match property.key.static_name() {
                        Some(key) if !property.computed => Some(key.into_owned()),
                        _ => match property.key.as_expression().map(|key| self.value(key, depth)) {
                            Some(Value::Text(key)) => Some(key),
                            _ => None,
                        },
                    };
                    let value = match property.kind {
                        PropertyKind::Init => self.value(&property.value, depth),
                        _ => self.unknown(property.span),
                    };
                    match key {
                        Some(key) => _ = result.entries.insert(key, value),
                        None => result.open = Some(self.line(property.span)),
                    }
                }
            }
        }
        Value::Object(result)
    }

    fn logical(&self, logical: &'a LogicalExpression<'a>, depth: usize) -> Value {
        let left = self.value(&logical.left, depth);
        let is_left = match logical.operator {
            LogicalOperator::Or => left.is_truthy(),
            LogicalOperator::And => left.is_truthy().map(|truth| !truth),
            LogicalOperator::Coalesce => left.is_truthy().map(|_| left != Value::Nothing),
        };
        match is_left {
            Some(true) => left,
            Some(false) => self.value(&logical.right, depth),
            None => {
                let likely = match (logical.operator, self.value(&logical.right, depth)) {
                    (LogicalOperator::And, _) | (_, Value::Unknown { likely: None, .. }) => None,
                    (_, Value::Unknown { likely, .. }) => likely,
                    (_, right) => Some(Box::new(right)),
                };
                Value::Unknown { line: self.line(logical.span), likely }
            }
        }
    }

    fn call(&self, call: &'a CallExpression<'a>, depth: usize) -> Value {
        let first = match call.arguments.first() {
            Some(Argument::SpreadElement(_)) => return self.unknown(call.span),
            argument => argument.and_then(Argument::as_expression),
        };
        match (&call.callee, first) {
            (Expression::Identifier(name), Some(file)) if name.name == "require" => {
                match self.value(file, depth) {
                    Value::Text(file) => self.file(&file, call.span),
                    _ => self.unknown(call.span),
                }
            }
            // The path of a package says which one it is as well as its name does.
            (callee, Some(file)) if callee.is_specific_member_access("require", "resolve") => {
                self.value(file, depth)
            }
            (callee, Some(_)) if is_one_of(callee, "path", &["join", "resolve"]) => {
                let step = |step: &'a Argument<'a>| match self.value(step.as_expression()?, depth) {
                    Value::Text(step) => Some(step),
                    _ => None,
                };
                let steps: Option<Vec<_>> = call.arguments.iter().map(step).collect();
                steps.map_or_else(|| self.unknown(call.span), |steps| Value::Text(steps.join("/")))
            }
            (Expression::StaticMemberExpression(list), Some(test))
                if list.property.name == "filter" && test.is_specific_id("Boolean") =>
            {
                match self.value(&list.object, depth) {
                    Value::List(mut items) => {
                        items.retain(|item| item.is_truthy() != Some(false));
                        Value::List(items)
                    }
                    _ => self.unknown(call.span),
                }
            }
            (callee, None) => self.called(callee, depth).unwrap_or_else(|| self.unknown(call.span)),
            _ => self.unknown(call.span),
        }
    }

    /// The value in a JSON file beside the script.
    fn file(&self, file: &str, span: Span) -> Value {
        let is_beside = file.starts_with("./") && !file.contains("..");
        let is_json = Path::new(file).extension().is_some_and(|extension| extension == "json");
        let path: PathBuf = self.folder.join(file);
        let json = if is_beside && is_json { fs::read(path).ok() } else { None };
        json.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok())
            .map_or_else(|| self.unknown(span), Value::from)
    }

    fn unknown(&self, span: Span) -> Value {
        Value::unknown(self.line(span))
    }

    fn line(&self, span: Span) -> usize {
        let before = self.text.as_bytes().get(..span.start as usize).unwrap_or_default();
        before.split(|&byte| byte == b'\n').count()
    }
}

#[cfg(test)]
mod tests;
