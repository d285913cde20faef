"""`python -m marlzoo` is the same as `marlzoo`."""

from marlzoo.cli.main import main

if __name__ == "__main__":
    main()
