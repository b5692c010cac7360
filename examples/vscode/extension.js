// Starts `factory editor` for YAML files below a folder `pipelines`, and runs what its code lenses ask for in a terminal.
const path = require("path");
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function command() {
  const configured = workspace.getConfiguration("factory").get("command");
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath;
  return folder && /[\\/]/.test(configured) ? path.resolve(folder, configured) : configured;
}

function quoted(argument) {
  return /^[\w./:=-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

async function inTerminal(...given) {
  await workspace.saveAll(false); // what runs is the file
  const named = given.length ? given : ["test"];
  const terminal = window.terminals.find((one) => one.name === "factory") ?? window.createTerminal("factory");
  terminal.show(true);
  terminal.sendText([command(), ...named].map(quoted).join(" "));
}

exports.activate = (context) => {
  context.subscriptions.push(
    commands.registerCommand("factory.test", inTerminal),
    commands.registerCommand("factory.try", inTerminal),
  );
  const server = { command: command(), args: ["editor"] };
  client = new LanguageClient("factory", "Pipeline factory", server, {
    documentSelector: [{ scheme: "file", language: "yaml", pattern: "**/pipelines/**" }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/pipelines/**/*.{py,sql,yaml,yml}") },
  });
  return client.start();
};

exports.deactivate = () => client?.stop();
