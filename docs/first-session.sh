#!/bin/sh
# Makes docs/first-session.md, a first session with the command line:
#   docs/first-session.sh > docs/first-session.md
# It shows standard output and standard error of each command, as a terminal does. It writes to a temporary folder only.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
ln -s "${GGML4J:-$here/ggml4j}" ggml4j
ln -s "$here/examples" examples
export HF_HUB_OFFLINE=1 HF_HOME="$work/hub"

# Removes the paths of this machine
tidy() {
  sed -e "s:$here:.:g" -e "s:$work/::g" -e "s:$work:.:g"
}

run() {
  printf '\n```\n$ %s\n' "$1"
  sh -c "$1" 2>&1 | tidy
  printf '```\n'
}

say() {
  printf '\n%s\n' "$1"
}

printf '# A first session\n\nOutput of `docs/first-session.sh`, with the bundled model and without a network.\n'
./ggml4j version >/dev/null 2>&1 # builds the program if needed
say "Help lists the commands:"
run './ggml4j --help'
say "Generate two texts; the same seed gives the same texts:"
run './ggml4j generate --prompt "Once upon a time" --num-return-sequences 2 --max-new-tokens 40 --seed 42'
say "Read the prompt from a pipe, print JSON (its seed repeats the text), and convert text to token ids:"
run 'echo "The sea" | ./ggml4j generate --prompt - --max-new-tokens 8 --json --seed 7'
run 'echo "Once upon a time" | ./ggml4j tokenize'
say "Write in turns with the model. A terminal has line editing and a history:"
run "printf '%s\n' 'It was a dark night.' '/set temperature 0.7' '' '/save story.txt' | ./ggml4j generate --interactive --max-new-tokens 25 --seed 1"
say "An error message is one line. It says what was expected or suggests another word. The exit code is 2 for wrong usage and 1 for failures:"
run './ggml4j genrate; echo "exit code $?"'
run './ggml4j generate --promt Hello; echo "exit code $?"'
run './ggml4j generate --prompt Hello --top-p 2; echo "exit code $?"'
run './ggml4j summary --model no/such/model; echo "exit code $?"'
run './ggml4j config --model gpt2; echo "exit code $?"'
run './ggml4j config > /dev/full; echo "exit code $?"'
say "Read the options of a training from a file, first with a misspelled option:"
run "printf 'train: examples/code\noutput: my-model\nlerning_rate: 2e-3\n' > training.yaml; ./ggml4j finetune --config training.yaml; echo \"exit code \$?\""
run "printf 'train: examples/code\noutput: my-model\npacking: yes\nbatch_size: 4\nlearning_rate: 2e-3\nwarmup_steps: 20\n' > training.yaml; ./ggml4j finetune --config training.yaml --epochs 1"
run './ggml4j generate --model my-model --prompt "def sum(a, b):" --max-new-tokens 30 --greedy --no-repeat-ngram-size 3'
run 'ls my-model'
