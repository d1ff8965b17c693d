"""The main job, stage by stage: build, train, evaluate, predict, report; each restartable."""
