"""What `marlzoo new-plugin` writes: a complete distribution with a working algorithm, from templates."""
