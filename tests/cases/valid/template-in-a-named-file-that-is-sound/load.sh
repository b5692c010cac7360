echo {{ ds }}
{% raw %}
echo ${#names[@]}
{% endraw %}
