# Every entry point; `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help build demo list choose grade handout gradescope test bench bench-full bench-c bench-lessons soak check tools doctor clean-ipc interop clean
TARGET := $(or $(CARGO_TARGET_DIR),target)
export PATH := $(if $(filter /%,$(TARGET)),,$(CURDIR)/)$(TARGET)/debug:$(PATH)

help: ## list the targets
	@echo "make TARGET, where NAME is a lesson (make list) or an exercise (ls crates/exercises):"
	@sed -nE 's/^([a-zA-Z%-]+):[^#]*## (.*)/\1@\2/p' $(MAKEFILE_LIST) | sed 's/%/NAME/' | \
	  while IFS=@ read -r target does; do printf '  %-14s %s\n' "$$target" "$$does"; done

build: ## build the lessons and the tools
	@cargo build --quiet --lib --bins --examples

demo: build ## run every lesson, both ends labelled, as it happens
	@scripts/demo

demo-%: build ## run one lesson
	@scripts/demo $*

run-%: build ## both programs of a lesson in two tmux panes, ready to type in
	@scripts/run $*

trace-%: build ## draw what passed between the programs of a lesson, as the kernel saw it
	@scripts/trace $*

list: ## the lessons, in the tutorial's order
	@scripts/list

choose: build ## which mechanism? Questions, the answer, and the lesson that shows it
	@ipc-choose

test: build ## run every test
	@scripts/test

test-%: build ## test one lesson
	@scripts/test tests/$*.bats

bench: build ## measure every mechanism on this machine: the tutorial's stars in numbers
	@ipc-bench

bench-full: build ## the same from 1 B to 1 MiB; charts, JSON and CSV in target/bench
	@mkdir -p "$(TARGET)/bench"
	@ipc-bench --sizes 1,64,1024,4096,16384,65536,262144,1048576 --svg "$(TARGET)/bench" --json "$(TARGET)/bench/figures.json" --csv "$(TARGET)/bench/figures.csv"
	@ipc-bench --peaks

bench-c: build ## round trips beside a minimal C loop of the same calls; what two processors can do in C
	@cc -O2 crates/tools/ipc-bench/benches/round-trip.c -o "$(TARGET)/round-trip" -lpthread -lrt
	@ipc-bench --placement same --sizes 1,64,4096,65536 --repetitions 25 --time-ms 20 --versus "$(TARGET)/round-trip"
	@cc -O2 crates/tools/ipc-bench/benches/two-processors.c -o "$(TARGET)/two-processors"
	@echo "Two processors, in C:"
	@"$(TARGET)/two-processors" 20 15

bench-lessons: build ## how fast the lessons' own programs are: each at bulk work, and its start
	@scripts/bench-lessons

exercise-%: build ## test your own solution of an exercise: points, what went wrong, the next hint
	@ipc-grade exercise $*

watch-%: build ## the same at every save
	@scripts/watch $*

hint-%: build ## the next hint for an exercise
	@ipc-grade hint $*

grade: build ## grade a submission (SUBMISSION=folder) or a class (SUBMISSIONS=folder, JOBS=n); OUT=folder, EXERCISES="a b", TESTS=folder
	@$(if $(SUBMISSION)$(SUBMISSIONS),,echo "make grade SUBMISSION=FOLDER, or SUBMISSIONS=FOLDER with one folder each" >&2; exit 2)
	@$(if $(SUBMISSIONS),ipc-grade class "$(SUBMISSIONS)" --out "$(or $(OUT),grades)" $(if $(JOBS),--jobs $(JOBS)),ipc-grade grade "$(SUBMISSION)" $(if $(OUT),--out "$(OUT)")) $(addprefix --exercise=,$(EXERCISE) $(EXERCISES)) $(if $(TESTS),--tests-dir "$(TESTS)")

handout: ## pack the last commit for students, without solutions (OUT=file.tar.gz, COMMITTED=1)
	@COMMITTED="$(COMMITTED)" scripts/handout $(if $(OUT),"$(OUT)")

gradescope: build ## the autograder for Gradescope (EXERCISES="a b", TESTS=folder of hidden tests, OUT=file.zip, COMMITTED=1)
	@COMMITTED="$(COMMITTED)" scripts/gradescope "$(or $(OUT),gradescope.zip)" "$(TESTS)" $(EXERCISES)

soak: build ## run every test 50 times with all cores busy (RUNS=50)
	@scripts/soak $(or $(RUNS),50)

check: ## rustfmt, clippy with warnings denied, each crate alone, the exercises' references, shellcheck
	@scripts/check

tools: ## find or install what the tests need (bats, below target/)
	@scripts/tools

doctor: ## what this machine offers for the lessons, and the command that mends what it lacks
	@scripts/doctor

clean-ipc: ## show, then remove, what your programs have left (DIR=folder of the keys, YES=1: do not ask)
	@scripts/clean-ipc $(if $(DIR),"$(DIR)")

interop: build ## run every pair Rust-Rust, Rust-C and C-Rust (TUTORIAL=path of the C tutorial)
	@scripts/interop "$(TUTORIAL)"

clean: ## remove what was built
	@cargo clean
